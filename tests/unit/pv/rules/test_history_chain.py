"""Histories with a link missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV310"
HISTORY = "status: PROPOSED\nstatus_history:\n  - {date: 2026-01-01, from: DRAFT, to: PROPOSED}\n"


@pytest.mark.parametrize(
    "good",
    [
        HISTORY,
        HISTORY + "  - {date: 2026-02-01, from: PROPOSED, to: DRAFT}\n  - {date: 2026-03-01, note: n}\n",
        HISTORY + "  - {date: 2026-02-01, from: proposed, to: DRAFT}\n",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (HISTORY + "  - {date: 2026-02-01, from: §DRAFT, to: PROPOSED}\n", "begins at 'DRAFT', but the move before"),
        (HISTORY + "  - §{date: 2026-02-01, to: PROPOSED}\n", "says not where it comes from"),
        (
            HISTORY.replace("to: PROPOSED", "to: PROPOSED v1.0")
            + "  - {date: 2026-02-01, from: §PROPOSED v1.1, to: DRAFT}\n",
            "begins at version 1.1",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
