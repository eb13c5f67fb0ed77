"""Expectations that do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV306"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "expect: refuted}",
        CLAIM + "expect: discharged}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (CLAIM + "expect: §1}", "one of discharged, refuted"),
        (CLAIM + "expect: §refutd}", "did you mean 'refuted'?"),
        (CLAIM + "expect: §{a: b}}", "unknown expect"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
