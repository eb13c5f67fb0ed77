"""An obligation whose id no claim cites (PV228).

An id is there to be cited: `obligation` of a claim says which obligations the claim tests. One that no claim cites is, as far as anybody
can tell, tested by nobody.

Bad:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1}

Good:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: SM-INV-001}

Not flagged: obligations that are set aside, or that name what discharges them (`discharged_by`); one that `binds_to` of a claim names.
A kani harness is no claim: nothing here runs it.

Upstream: PV-AUD-003.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._obligations import BLOCK, is_open, tested
from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV228"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation with an id that no claim names; of contracts without claims PV210 speaks."""
    if not contract.claims:
        return
    found = tested(contract) or set()
    for index, entry in entries(contract, BLOCK):
        name = entry.get("id")
        if is_blank(name) or isinstance(name, (dict, list)) or index in found or not is_open(entry):
            continue
        span = contract.document.value_span(BLOCK, index, "id")
        yield Problem(
            span, f"no claim cites obligation {name!r}", "name it under `obligation` of the claim that tests it"
        )
