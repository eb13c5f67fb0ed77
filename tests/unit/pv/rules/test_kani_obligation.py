"""Kani harnesses for obligations of another name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV334"
OBLIGATIONS = "proof_obligations:\n  - {id: SM-INV-001, type: invariant, property: The sum  is 1}\n"
KANI = "kani_harnesses:\n  - {id: K-1, obligation: %s}\n"


@pytest.mark.parametrize(
    "good",
    [
        OBLIGATIONS + KANI % "SM-INV-001",
        OBLIGATIONS + KANI % "The sum is 1",
        # obligations without ids, as in nearly all real contracts
        "proof_obligations: [{type: invariant, property: p}]\n" + KANI % "SM-INV-001",
        OBLIGATIONS + KANI % "[a, 1]",
        OBLIGATIONS + KANI % "null",
        OBLIGATIONS + "kani_harnesses: {a: b}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (OBLIGATIONS + KANI % "§SM-INV-01", "did you mean 'SM-INV-001'?"),
        (OBLIGATIONS + KANI % "§the other sum is 2", "the obligations here are: SM-INV-001"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_only_a_near_miss_is_an_error(rule: Tried) -> None:
    rule.finds(OBLIGATIONS + KANI % "§SM-INV-01", severity=Severity.ERROR)
    rule.finds(OBLIGATIONS + KANI % "§ZZ-900", severity=Severity.NOTE)
