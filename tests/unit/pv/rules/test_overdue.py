"""Dates that have passed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from pv.rules import _today

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV323"
ONE = "milestones:\n  - {%s}\n"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_today, "today", lambda: date(2026, 3, 10))


@pytest.mark.parametrize(
    "good",
    [
        ONE % "target_date: 2026-03-10",
        # it is yesterday still in the west
        ONE % "due: 2026-03-09",
        ONE % "due: 2020-01-01, status: DONE",
        ONE % "deadline: 2020-01-01, done: true",
        ONE % "due: 2020-01-01, state: 'shipped, at last'",
        ONE % "deadline: 500ms",
        ONE % "due: 2020-13-01",
        ONE % "due: [2020-01-01]",
        ONE % "x-a: {due: 2020-01-01}",
        # the end of a wait is for `pv status`
        "falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, pending: [{until: 2020-01-01}]}",
        # the ledger of competitors has rules of its own
        'metadata: {version: "1", description: d, kind: competitive-parity}\nrows: [{valid_until: 2020-01-01}]',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (ONE % "target_date: §2026-03-08", "target_date 2026-03-08 has passed"),
        (ONE % "due: §2020-01-01, status: OPEN", "has passed"),
        (ONE % "done: false, recheck_by: §2020-01-01", "status: DONE"),
        (
            'metadata: {version: "1", description: d, references: [r], x-a: 1, upstream: {valid_until: §2020-01-01}}',
            "valid_until",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
