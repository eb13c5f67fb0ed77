"""A mutant that cannot be located (PV304).

A mutant is killed only when the falsifier refutes it *and* finds it where it was planted; so the contract must name the
stage (and the layer, where there are layers), and give each mutant an id of its own.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: rope-theta}]}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: rope-theta, stage: q_rope, layer: 0}]}

Upstream: none; there are no mutants there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV304"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each mutant without a stage or with the id of another."""
    for claim in contract.claims:
        seen: set[str] = set()
        mutants = claim.data.get("mutants")
        for index, entry in enumerate(mutants if isinstance(mutants, list) else []):
            if not isinstance(entry, dict):
                continue
            name = str(entry.get("id", ""))
            span = contract.document.value_span(*claim.at, "mutants", index)
            if is_blank(entry.get("stage")):
                yield Problem(span, f"mutant {name!r} of {claim.id!r} names no stage", "say where it must be located")
            if name in seen:
                yield Problem(span, f"mutant {name!r} of {claim.id!r} stands twice", "give each mutant its own id")
            seen.add(name)
