"""A mutant that is planted in another equation than the claim runs (PV246).

The stage of a mutant says where it must be found. A claim that runs by itself finds what it finds in the equation that its obligation
applies to: the stage is the name of the equation. Under another name the mutant is refuted and not located, so that it is not killed.

Bad:

    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: bound, property: y is at most two, applies_to: f, between: [0, 2]}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: doubling}], obligation: OBL-1}

Good:

    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: bound, property: y is at most two, applies_to: f, between: [0, 2]}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Not flagged: mutants without a stage, which are PV304; mutants of claims with a falsifier in Python, which names its stages itself.

Upstream: none; there are no mutants there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV246"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each mutant of a claim that runs by itself whose stage is not the equation's name."""
    for claim in contract.claims:
        if claim.executable is None or claim.test:
            continue
        name = claim.executable.equation
        mutants = claim.data.get("mutants")
        for index, entry in enumerate(mutants if isinstance(mutants, list) else ()):
            stage = entry.get("stage") if isinstance(entry, dict) else None
            if isinstance(stage, str) and stage.strip() and stage != name:
                span = contract.document.value_span(*claim.at, "mutants", index, "stage")
                message = f"mutant {entry.get('id')!r} of {claim.id!r} is to be found at {stage!r}, but the claim runs {name!r}"
                yield Problem(span, message, did_you_mean(stage, [name], 0.8) or f"write stage: {name}")
