"""An obligation without an id that no claim tests (PV227).

Where some claims name the obligations that they test, the reader takes the list for whole: an obligation that none of them names is
tested by nobody. One without an id is named by its property, or by its place as in `proof_obligations[0]`. For those with an id see
PV228; a contract with obligations and no claim at all is PV210.

Bad:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1}
      - {type: bound, property: no entry is negative}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: SM-INV-001}

Good:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1}
      - {type: bound, property: no entry is negative}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: SM-INV-001}
      - {id: FALSIFY-A-002, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: "proof_obligations[1]"}

Not flagged: contracts none of whose claims names an obligation, which is nearly all of them; obligations that are set aside, or that name
what discharges them.

Upstream: PV-AUD-001.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._obligations import BLOCK, is_open, tested
from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV227"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation without id that no claim names, where claims name obligations."""
    found = tested(contract)
    if found is None:
        return
    for index, entry in entries(contract, BLOCK):
        if is_blank(entry.get("id")) and index not in found and is_open(entry):
            span = contract.document.value_span(BLOCK, index)
            message = f"no claim tests proof obligation {index + 1}, though claims here name what they test"
            yield Problem(span, message, "give it an id, and name that under `obligation` of a claim")
