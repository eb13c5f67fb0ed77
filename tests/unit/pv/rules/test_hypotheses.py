"""Hypotheses that make no tree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV316"
TREE = "hypotheses: {H1: {statement: s}, H2: {statement: t, parent: H1}}\n"
CLAIM = "falsification_tests: [{id: F-1, prediction: p, if_fails: q, %s}]"


@pytest.mark.parametrize(
    "good",
    [
        TREE + CLAIM % "hypothesis: H2",
        CLAIM % "hypothesis: H7",
        TREE.replace("H1}", "[a]}") + CLAIM % "hypothesis: H1",
        "hypotheses: [a]\n" + CLAIM % "parent: [b]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (TREE + CLAIM % "hypothesis: §H22", "did you mean 'H2'?"),
        (TREE.replace("H1}", "§H3}") + CLAIM % "hypothesis: H1", "the parent 'H3' of 'H2'"),
        (TREE.replace("H1}", "§H2}") + CLAIM % "hypothesis: H1", "in a circle: H2 is a case of H2"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
