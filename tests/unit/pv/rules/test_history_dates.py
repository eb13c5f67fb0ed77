"""Histories whose dates do not run one way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV311"
HISTORY = "status: PROPOSED\nstatus_history:\n  - {date: 2026-01-01, from: DRAFT, to: PROPOSED}\n"


@pytest.mark.parametrize(
    "good",
    [
        HISTORY + "  - {date: 2026-01-01, note: n}\n  - {date: '2026-02-01T10:00:00Z', note: n}\n",
        # newest first
        HISTORY + "  - {date: 2025-12-01, note: n}\n",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (HISTORY + "  - {date: §yesterday, note: n}\n", "'yesterday' is no date"),
        (
            HISTORY + "  - {date: §2025-12-01, note: n}\n  - {date: 2026-02-01, note: n}\n",
            "2025-12-01 stands below 2026-01-01",
        ),
        (HISTORY + "  - {date: §2026-02-30, note: n}\n", "is no date"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
