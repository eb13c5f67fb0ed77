"""Histories newer than the last change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV319"
META = 'metadata: {version: "1", description: d, references: [r], %s}\n'
HISTORY = "status_history:\n  - {date: 2026-03-01, to: PROPOSED}\n  - {date: 2026-02-01, to: PROPOSED}\n"


@pytest.mark.parametrize(
    "good",
    [
        META % "last_modified: 2026-03-01" + HISTORY,
        META % "last_modified: 2026-04-01" + HISTORY,
        META % "author: a" + HISTORY,
        META % "last_modified: long ago" + HISTORY,
        META % "updated: 2026-01-01" + "status_history: [{date: never}, 5, {date: 5}]",
        META % "updated: 2026-01-01" + "status_history: {a: b}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (META % "last_modified: §2026-02-28" + HISTORY, "the history goes on until 2026-03-01"),
        (META % "updated: §2026-01-02T10:00:00Z" + HISTORY, "metadata.updated is 2026-01-02"),
        (
            META % "changelog: [text, {date: 2026-05-02, version: 1}], last_modified: §2026-05-01" + HISTORY,
            "until 2026-05-02",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
