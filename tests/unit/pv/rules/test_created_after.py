"""Contracts that were changed before they were made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV324"
META = 'metadata: {version: "1", description: d, references: [r], %s}\n'


@pytest.mark.parametrize(
    "good",
    [
        META % "created: 2026-01-02, updated: 2026-01-02",
        META % "created: 2026-01-02, updated: 2026-01-03",
        META % "updated: 2026-01-03",
        META % "created: once, updated: 2026-01-03",
        META % "created: 2026-01-02, updated: once",
        META % "created: [a], updated: {b: c}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            META % "created: 2026-01-02, updated: §2026-01-01",
            "updated is 2026-01-01, before the contract was created (2026-01-02)",
        ),
        (META % "last_modified: §2025-12-31, created: 2026-01-02T01:00:00Z", "last_modified"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
