"""Rows that count for too long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV538"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        # 180 days
        KIND + "parity: {rows: [{measured_on: 2026-05-01, valid_until: 2026-10-28}]}",
        # 180 days with a leap day among them
        KIND + "parity: {rows: [{measured_on: 2028-01-01, valid_until: 2028-06-29}]}",
        # what is no day is for another rule
        KIND + "parity: {rows: [{measured_on: 2026-05-01, valid_until: never}]}",
        KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: 2020-01-01}]}",
        # other kinds have no rows
        "parity: {rows: [{measured_on: 2020-01-01, valid_until: 2026-01-01}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "parity: {rows: [{measured_on: 2026-05-01, valid_until: §2026-10-29}]}", "181 days; 180 are the most"),
        (KIND + "parity: {rows: [{measured_on: 2028-01-01, valid_until: §2028-06-30}]}", "181 days"),
        (KIND + "parity: {rows: [{measured_on: 2026-01-01, valid_until: §2099-12-31}]}", "measure again"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
