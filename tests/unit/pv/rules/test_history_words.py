"""Moves from or to words that nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV313"
HISTORY = "status: PROPOSED\nstatus_history:\n  - {date: 2026-01-01, from: DRAFT, to: PROPOSED}\n"


@pytest.mark.parametrize(
    "good",
    [
        HISTORY,
        HISTORY.replace("DRAFT", "active v1.0.0"),
        HISTORY.replace("DRAFT", "[a]"),
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (HISTORY.replace("to: PROPOSED", "to: §PROPOSD"), "unknown status 'PROPOSD' in 'to'"),
        (HISTORY.replace("DRAFT", "§ALMOST"), "unknown status 'ALMOST' in 'from'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
