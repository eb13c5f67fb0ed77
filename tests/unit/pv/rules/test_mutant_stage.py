"""Mutants that cannot be located."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV304"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "mutants: [{id: a, stage: s}, {id: b, stage: s, layer: 1}]}",
        CLAIM + "mutants: [5, [a]]}",
        CLAIM + "mutants: 5}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (CLAIM + "mutants: [{id: a, stage: s}, §{id: a, stage: t}]}", "stands twice"),
        (CLAIM + "mutants: [§{id: a}]}", "names no stage"),
        (CLAIM + "mutants: [§{id: a, stage: ' '}]}", "names no stage"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
