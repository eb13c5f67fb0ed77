"""Levels of evidence that do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV305"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "level: algorithm}",
        CLAIM + "level: authored}",
        CLAIM + "level: measured}",
        CLAIM + "level: independent}",
        CLAIM + "domain: x}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (CLAIM + "level: §indepndent}", "did you mean 'independent'?"),
        (CLAIM + "level: §3}", "one of algorithm, authored"),
        (CLAIM + "level: §[measured]}", "unknown level"),
        (CLAIM + "level: §null}", "unknown level None"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
