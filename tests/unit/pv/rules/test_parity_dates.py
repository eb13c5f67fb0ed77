"""Rows without their two days."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV537"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + 'parity: {rows: [{measured_on: "2026-10-01", valid_until: "2026-10-02"}]}',
        # dates need no quotes
        KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: 2026-12-31}]}",
        # a leap day
        KIND + "parity: {rows: [{measured_on: 2028-02-29, valid_until: 2028-03-01}]}",
        # how long is for another rule
        KIND + "parity: {rows: [{measured_on: 2020-01-01, valid_until: 2026-01-01}]}",
        # other kinds have no rows
        "parity: {rows: [{measured_on: x}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            KIND + "parity: {rows: [{measured_on: §soon, valid_until: 2026-10-02}]}",
            "'measured_on' of rows[0] is no day",
        ),
        (KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: §2026-13-01}]}", "no day"),
        (KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: §2026-02-30}]}", "no day"),
        (KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: §2027-02-29}]}", "no day"),
        (KIND + 'parity: {rows: [{measured_on: 2026-10-01, valid_until: §"2026-10-02 "}]}', "no day"),
        (KIND + 'parity: {rows: [{measured_on: 2026-10-01, valid_until: §"2026-1-2"}]}', "no day"),
        (KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: §2026-W40-1}]}", "no day"),
        (KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: §20261101}]}", "no day"),
        (KIND + 'parity: {rows: [{measured_on: 2026-10-01, valid_until: §"\\uFF12026-11-01"}]}', "no day"),
        (KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: §2026-10-01T12:00:00Z}]}", "no day"),
        (KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: §}]}", "has no 'valid_until'"),
        (KIND + "parity: {rows: [{measured_on: §[a], valid_until: 2026-10-01}]}", "no day"),
        (KIND + "parity: {rows: [§{measured_on: 2026-10-01, verdict: BETTER}]}", "has no 'valid_until'"),
        (KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: §2026-10-01}]}", "give a later day"),
        (KIND + "parity: {rows: [{measured_on: 2026-10-01, valid_until: §2026-09-30}]}", "give a later day"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
