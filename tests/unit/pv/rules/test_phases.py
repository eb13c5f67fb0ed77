"""Obligations of phases that do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV339"
PHASES = "kernel_structure: {phases: [{name: find_max}, exp, {name: [a]}, 7]}\n"
ONE = "proof_obligations:\n  - {type: loop_invariant, property: p, applies_to_phase: %s}\n"


@pytest.mark.parametrize(
    "good",
    [
        PHASES + ONE % "find_max",
        PHASES + ONE % "exp",
        # no phases to hold it against
        ONE % "anything",
        "kernel_structure: {phases: 5}\n" + ONE % "a",
        "kernel_structure: []\n" + ONE % "a",
        PHASES + ONE % "null",
        PHASES + ONE % "[a]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (PHASES + ONE % "§find_maximum", "did you mean 'find_max'?"),
        (PHASES + ONE % "§zzz", "the phases are: find_max, exp"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
