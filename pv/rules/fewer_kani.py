"""Fewer kani harnesses than obligations (PV235).

Some of the obligations are proved up to a bound, others only tried. That is how nearly every good contract is, so it is a note. Of
contracts without any harness PV224 speaks.

Bad:

    proof_obligations:
      - {type: bound, property: no entry is negative}
      - {type: invariant, property: the sum is 1}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
      - {id: FALSIFY-A-002, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
    kani_harnesses:
      - {id: KANI-A-001, obligation: the sum is 1, bound: 8}

Good:

    proof_obligations:
      - {type: invariant, property: the sum is 1}
    kani_harnesses:
      - {id: KANI-A-001, obligation: the sum is 1, bound: 8}

Upstream: PV-PRV-003, a warning.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._obligations import BLOCK, is_set_aside
from pv.rules._problem import Problem, entries
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV235"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if there are kani harnesses, and fewer than obligations that apply."""
    harnesses = contract.document.data.get("kani_harnesses")
    count = len(harnesses) if isinstance(harnesses, list) else 0
    wanted = sum(not is_set_aside(entry) for _, entry in entries(contract, BLOCK))
    if 0 < count < wanted:
        message = f"{count} kani harness{'es' * (count != 1)} for {wanted} proof obligations"
        yield Problem(contract.document.key_span("kani_harnesses"), message)
