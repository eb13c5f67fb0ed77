"""Histories of claims, and lists of amendments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV325"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "
META = 'metadata: {version: "2", description: d, references: [r], %s}\n'


@pytest.mark.parametrize(
    "good",
    [
        META % "changelog: [first, {version: 1.0, date: 2026-01-02}, {version: 1.1, date: 2026-02-02}]",
        # newest first
        META % "amendment_history: [{date: 2026-02-02}, {date: 2026-01-02}]",
        META % "changelog: {a: b}",
        META % "changelog: [1, null, {date: [a]}, {date: once}]",
        CLAIM + "status: DISCHARGED, status_history: [{date: 2026-01-01, from: OPEN, to: DISCHARGED, reason: r}]}",
        # it gives no state
        CLAIM + "status_history: [{date: 2026-01-01, to: DISCHARGED}]}",
        CLAIM + "status: PLANNED_M3, status_history: [{date: 2026-01-01, to: PLANNED}, {date: 2026-01-03, note: n}]}",
        CLAIM + "status_history: 5}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            META % "changelog: [{date: 2026-01-02}, {date: 2026-03-02}, {date: §2026-02-02}, {date: 2026-04-02}]",
            "2026-02-02 stands below 2026-03-02 in a history that runs oldest first",
        ),
        (META % "amendment_history: [{date: 2026-03-02}, {date: 2026-01-02}, {date: §2026-02-02}]", "newest first"),
        (
            CLAIM
            + "status_history: [{date: 2026-01-02, to: OPEN}, {date: 2026-03-02, to: PASS}, {date: §2026-02-02, to: OPEN}, {date: 2026-04-01, to: PASS}]}",
            "stands below",
        ),
        (
            CLAIM + "status: DISCHARGED, status_history: [{date: 2026-01-02, from: OPEN, to: §PENDING}]}",
            "its history ends at 'PENDING', but 'FALSIFY-A-001' is 'DISCHARGED'",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
