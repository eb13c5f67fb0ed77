"""Rows that have expired."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV539"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pv.rules._today.today", lambda: date(2026, 11, 22))


@pytest.mark.parametrize(
    "good",
    [
        # it counts until the end of its last day
        KIND + "parity: {rows: [{verdict: BETTER, valid_until: 2026-11-22}]}",
        KIND + "parity: {rows: [{verdict: WORSE, valid_until: 2026-11-23}]}",
        # what is unmeasured has nothing to lose
        KIND + "parity: {rows: [{verdict: UNMEASURED, valid_until: 2020-01-01}]}",
        # what is no day is for another rule
        KIND + "parity: {rows: [{verdict: BETTER, valid_until: then}]}",
        # other kinds have no rows
        "parity: {rows: [{verdict: BETTER, valid_until: 2020-01-01}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            KIND + "parity: {rows: [{verdict: BETTER, valid_until: §2026-11-21}]}",
            "its verdict 'BETTER' is no longer backed",
        ),
        (
            KIND + "parity: {rows: [{verdict: PARITY, valid_until: §2026-11-21}]}",
            "its verdict 'PARITY' is no longer backed",
        ),
        (
            KIND + "parity: {rows: [{verdict: WORSE, valid_until: §2026-11-21}]}",
            "its verdict 'WORSE' is no longer backed",
        ),
        (
            KIND + "parity: {rows: [{verdict: NOT_COMPARABLE, valid_until: §2026-11-21}]}",
            "its verdict 'NOT_COMPARABLE' is no longer backed",
        ),
        (KIND + "parity: {rows: [{valid_until: §2020-01-01}]}", "measure again, or say UNMEASURED"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
