"""Ids that cannot be part of a test's name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV308"
ONE = "falsification_tests: [{id: %s, prediction: p, if_fails: q}]"


@pytest.mark.parametrize(
    "good",
    [
        # no text: of it PV103 speaks
        "falsification_tests: [{id: {a: b}, prediction: p, if_fails: q}, {id: [a], prediction: p, if_fails: q}]",
        ONE % "FALSIFY-A-001",
        ONE % "A.1_b",
        ONE % "42",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (ONE % "§'F 1'", "'F 1' cannot be part of a test's name"),
        (ONE % "§'F::1'", "cannot be part"),
        (ONE % "§'F[1'", "cannot be part"),
        (ONE % "§''", "cannot be part"),
        (ONE % '§"F\\e[31m"', "cannot be part"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
