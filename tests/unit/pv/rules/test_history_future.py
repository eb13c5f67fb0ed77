"""Entries dated in the future."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV314"
HISTORY = "status: PROPOSED\nstatus_history:\n  - {date: 2026-01-01, from: DRAFT, to: PROPOSED}\n"


@pytest.mark.parametrize(
    "good",
    [
        HISTORY,
        HISTORY.replace("2026-01-01", "never"),
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (HISTORY.replace("2026-01-01", "§2999-01-01"), "2999-01-01 is still to come"),
        (HISTORY.replace("2026-01-01", "§'2999-01-01T00:00:00Z'"), "give the date on which it happened"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
