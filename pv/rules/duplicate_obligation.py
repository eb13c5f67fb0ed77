"""An obligation or an equation under a name that another has (PV236).

An id is there to be cited: by `obligation` of a claim, by a kani harness, by `binds_to`. Of two obligations of one id the first is meant, and
nothing can be said of the second. Equations written as a list are known by their `id` too, and of two the last is all that is read.

Bad:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1}
      - {id: SM-INV-001, type: bound, property: no entry is negative}

Good:

    proof_obligations:
      - {id: SM-INV-001, type: invariant, property: the sum is 1}
      - {id: SM-BND-001, type: bound, property: no entry is negative}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: SM-INV-001}
      - {id: FALSIFY-A-002, prediction: r, if_fails: s, mutants: [{id: n, stage: s}], obligation: SM-BND-001}

Not flagged: obligations without ids, however alike; those whose formal statement is the same are PV206. Equations written as a mapping
cannot share a name: that is a key that stands twice (PV004). Ids of claims are PV207, those of harnesses PV212.

Upstream: none; ids of obligations are only counted there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV236"
SEVERITY = Severity.ERROR

_NAMED = {"proof_obligations": "obligation", "equations": "equation"}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation, and each equation of a list, whose id an earlier one has."""
    for block, what in _NAMED.items():
        first: dict[str, int] = {}
        for index, entry in entries(contract, block):
            name = entry.get("id")
            if is_blank(name) or isinstance(name, (dict, list)):
                continue
            span, said = contract.document.value_span(block, index, "id"), str(name).strip()
            if said in first:
                yield Problem(span, f"{what} id {said!r} stands twice, first at line {first[said]}", "rename one")
            first.setdefault(said, span.line)
