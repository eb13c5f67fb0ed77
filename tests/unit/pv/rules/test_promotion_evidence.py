"""Promotions that name no evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV315"
ONE = "status_history:\n  - {date: 2026-01-01, %s}\n"


@pytest.mark.parametrize(
    "good",
    [
        ONE % "to: ACTIVE_RUNTIME, evidence: [4f1d0c52a3b96e78]",
        # down
        ONE % "from: ACTIVE_RUNTIME, to: PROPOSED",
        ONE % "note: n",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (ONE.replace("- ", "- §") % "from: DRAFT, to: ACTIVE_RUNTIME", "names no evidence"),
        (ONE % "to: ACTIVE_RUNTIME, evidence: §see the log", "pv promote writes it"),
        (ONE % "to: ACTIVE_RUNTIME, evidence: §[4f1d]", "names no evidence"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
