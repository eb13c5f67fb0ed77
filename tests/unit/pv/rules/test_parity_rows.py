"""A ledger without rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV532"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "parity: {rows: [{entry_point: a}]}",
        # a row that is none is for the schema to report, as long as there is another
        KIND + "parity: {rows: [1, {entry_point: a}]}",
        # other kinds need none
        "parity: {rows: []}",
        "rows: []",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND.replace("competitive", "§competitive"), "without comparisons"),
        (KIND + "parity:§", "without comparisons"),
        (KIND + "parity: §[{entry_point: a}]", "without comparisons"),
        (KIND + "§ledger: [{entry_point: a}]", "under 'parity'"),
        (KIND + "§rows: [{entry_point: a}]", "under 'parity'"),
        (KIND + "parity: {rows: §[]}", "no rows"),
        (KIND + "parity: {rows: §{entry_point: a}}", "no rows"),
        (KIND + "parity: {rows: §[a, b]}", "no rows"),
        (KIND + "§parity: {scope: all}", "one row for each"),
        (KIND + "§parity: {row: [{entry_point: a}]}", "did you mean 'row'?"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
