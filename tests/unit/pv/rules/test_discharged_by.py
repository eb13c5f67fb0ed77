"""Obligations discharged by what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV331"
ONE = "proof_obligations:\n  - {type: invariant, property: p, discharged_by: %s}\n"
KANI = "kani_harnesses: [{id: KANI-1, obligation: o}]"


@pytest.mark.parametrize(
    "good",
    [
        ONE % "FALSIFY-B-001",
        ONE % "[FALSIFY-B-001, KANI-1]" + KANI,
        ONE % "'falsification_tests[0]'",
        ONE % "'FALSIFY-B-001 and FALSIFY-B-001'",
        # a claim of an older block
        ONE % "GATE-7" + "falsification_conditions: [{id: GATE-7, assertion: a}]",
        # tests and prose are outside of contracts
        ONE % "'tests/a.rs::sum_is_one'",
        ONE % "see FALSIFY-B-001",
        ONE % "see the proof in FALSIFY-B-002 of the paper",
        ONE % "'other-v1:FALSIFY-X-001'",
        ONE % "[1, null, {a: b}]",
        ONE % "{falsification: x}",
        "proof_obligations: {a: b}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("falsification_tests: []\n" + ONE % "§FALSIFY-B-001", "the claims here are: none"),
        (ONE % "§FALSIFY-B-002", "did you mean 'FALSIFY-B-001'?"),
        (ONE % "[FALSIFY-B-001, §ZZZ-900]", "the claims here are: FALSIFY-B-001"),
        (ONE % "§'falsification_tests[1]'", "'falsification_tests' has 1 entries"),
        (ONE % "§'falsification_tests[-1]'", "has 1 entries"),
        (ONE % "§'kani_harnesses[0]'", "'kani_harnesses' has 0 entries"),
        (ONE % "§'FALSIFY-B-001, FALSIFY-B-7'", "FALSIFY-B-7"),
        (
            ONE % "§falsify-b-001" + "falsification_tests: [{id: falsify-b-00, prediction: p, if_fails: q}]",
            "did you mean",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
