"""Measurements that have yet to be made."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV547"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pv.rules._today.today", lambda: date(2026, 11, 22))


@pytest.mark.parametrize(
    "good",
    [
        # today is fine
        KIND + "parity: {rows: [{measured_on: 2026-11-22}], downgrades: [{recorded_on: 2026-11-22}]}",
        # other days may be to come
        KIND + "parity: {rows: [{valid_until: 2026-12-24}]}",
        # what is no day is for another rule
        KIND + "parity: {rows: [{measured_on: tomorrow}]}",
        # other kinds have no rows
        "parity: {rows: [{measured_on: 2099-01-01}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            KIND + "parity: {rows: [{measured_on: §2026-11-23}]}",
            "'measured_on' of rows[0], 2026-11-23, is still to come",
        ),
        (KIND + "parity: {downgrades: [{recorded_on: §2026-11-23}]}", "'recorded_on' of downgrades[0]"),
        (KIND + "parity: {removals: [{recorded_on: §2026-11-23}]}", "'recorded_on' of removals[0]"),
        (KIND + "parity: {rows: [{measured_on: §2099-01-01}]}", "give the day it was"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
