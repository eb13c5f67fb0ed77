"""Validities that are no span of time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV321"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "valid_for: 12h}",
        CLAIM + "valid_for: 30d}",
        CLAIM + "valid_for: 2w}",
        CLAIM + "valid_for: P30D}",
        CLAIM + "valid_for: PT12H}",
        CLAIM + "valid_for: [30d]}",
        "valid_for: 30d",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (CLAIM + "valid_for: §1 month}", "P30D"),
        (CLAIM + "valid_for: §P1Y}", "P30D"),
        ("valid_for: §0d", "P30D"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
