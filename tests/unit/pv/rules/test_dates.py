"""Dates that do not exist, or are still to come."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from pv.rules import _today

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV322"
META = 'metadata: {version: "1", description: d, references: [r], %s}\n'


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_today, "today", lambda: date(2026, 3, 10))


@pytest.mark.parametrize(
    "good",
    [
        META % "created: 2026-03-10",
        # it is tomorrow already in the east
        META % "created: 2026-03-11",
        META % "created: 2026-03-10T23:00:00Z",
        # rules about histories say it
        "status_history: [{date: 2999-01-01, note: n}]",
        # a word of the subject
        "domain_of_x: {date: spring, updated: by hand}",
        # blocks of one's own
        "x-plans: {date: 2999-01-01}",
        # due dates lie ahead
        "milestones: {M1: {target_date: 2999-01-01}}",
        META % "created: 5",
        META % "created: null",
        META % "created: [2999-01-01]",
        "metadata: [a]",
        # the ledger of competitors has rules of its own
        META % "kind: competitive-parity" + "rows: [{measured_on: 2999-01-01}]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (META % "created: §2026-02-30", "'2026-02-30' is no date"),
        (META % "created: §2026-2-3", "write a day as in 2026-01-02"),
        (META % "created: §2026-03-12", "2026-03-12 is still to come"),
        (META % "last_modified: §9999-01-01", "still to come"),
        (META % "created: §last week", "'last week' is no date"),
        ("status_history:\n  - {date: 2026-01-01, note: n, measured_parity: {date: §2026-13-01}}", "is no date"),
        ("milestones: {M1: {target_date: §2026-02-30}}", "is no date: target_date"),
        (META % "kind: competitive-parity, created: §2999-01-01", "still to come"),
        ("own: [[{date: §2027-01-01}]]", "still to come"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
