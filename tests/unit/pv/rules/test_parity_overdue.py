"""Downgrades past their day."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV544"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pv.rules._today.today", lambda: date(2026, 11, 22))


@pytest.mark.parametrize(
    "good",
    [
        # on the day itself it still holds
        KIND + "parity: {rows: [{entry_point: a}], downgrades: [{entry_point: a, recheck_by: 2026-11-22}]}",
        KIND + "parity: {rows: [{entry_point: a}], downgrades: [{entry_point: a, recheck_by: 2027-01-01}]}",
        # what is no day is for another rule
        KIND
        + "parity: {rows: [{entry_point: a}], downgrades: [{entry_point: a, recheck_by: never}, {entry_point: b}]}",
        # other kinds have none
        "parity: {downgrades: [{entry_point: a, recheck_by: 2020-01-01}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            KIND + "parity: {rows: [{entry_point: a}], downgrades: [{entry_point: a, recheck_by: §2026-11-21}]}",
            "no longer excuses 'a'",
        ),
        (
            KIND
            + "parity: {rows: [{entry_point: a}], downgrades: [{entry_point: a, recheck_by: 2027-01-01}, {entry_point: b, recheck_by: §2020-01-01}]}",
            "downgrades[1] was due on 2020-01-01",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
