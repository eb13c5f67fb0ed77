"""Days too far ahead."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV546"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pv.rules._today.today", lambda: date(2026, 11, 22))


@pytest.mark.parametrize(
    "good",
    [
        # 180 days ahead
        KIND + "parity: {rows: [{valid_until: 2027-05-21}]}",
        # a day in prose
        KIND + "x-note: until 2099-12-31",
        KIND + "x-note: 2099-12-31 at the latest",
        # a key is no value
        KIND + "x-note: {2099-12-31: a}",
        # no day there is
        KIND + "x-note: 2099-02-30",
        KIND + "x-note: 20991231",
        # other kinds may plan ahead
        "x-note: 2099-12-31",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "parity: {rows: [{valid_until: §2027-05-22}]}", "2027-05-22 is more than 180 days ahead"),
        (KIND + "parity: {downgrades: [{recheck_by: §2099-12-31}]}", "later than 2027-05-21"),
        (KIND + 'parity: {rows: [{certified_on: §"2099-12-31"}]}', "ahead"),
        (KIND + "x-a: {b: [c, {d: [§2099-12-31]}]}", "ahead"),
        (KIND + 'x-a: §"  2099-12-31 "', "ahead"),
        (KIND.replace("}", ", x-until: §2099-12-31}"), "ahead"),
        (KIND + "x-a: &a [§2099-12-31]\nx-b: *a\nx-c: *a", "ahead"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
