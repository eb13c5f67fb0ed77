"""Downgrades of rows that still claim something."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV543"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "parity: {rows: [{entry_point: a, verdict: UNMEASURED}], downgrades: [{entry_point: a}]}",
        # another change
        KIND
        + "parity: {rows: [{entry_point: a, verdict: WORSE}], downgrades: [{entry_point: a, from_verdict: BETTER, to_verdict: WORSE}]}",
        KIND
        + "parity: {rows: [{entry_point: a, verdict: BETTER}], downgrades: [{entry_point: a, from_verdict: WORSE, to_verdict: BETTER}]}",
        # a row that is not there is for another rule
        KIND + "parity: {rows: [{entry_point: a, verdict: BETTER}], downgrades: [{entry_point: b}]}",
        # a verdict that is not there, too
        KIND + "parity: {rows: [{entry_point: a}], downgrades: [{entry_point: a}]}",
        # other kinds have none
        "parity: {rows: [{entry_point: a, verdict: BETTER}], downgrades: [{entry_point: a}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            KIND + "parity: {rows: [{entry_point: a, verdict: BETTER}], downgrades: [{entry_point: §a}]}",
            "makes UNMEASURED of 'a', whose row says BETTER",
        ),
        (
            KIND + "parity: {rows: [{entry_point: a, verdict: PARITY}], downgrades: [{entry_point: §a}]}",
            "makes UNMEASURED of 'a', whose row says PARITY",
        ),
        (
            KIND + "parity: {rows: [{entry_point: a, verdict: WORSE}], downgrades: [{entry_point: §a}]}",
            "makes UNMEASURED of 'a', whose row says WORSE",
        ),
        (
            KIND + "parity: {rows: [{entry_point: a, verdict: NOT_COMPARABLE}], downgrades: [{entry_point: §a}]}",
            "makes UNMEASURED of 'a', whose row says NOT_COMPARABLE",
        ),
        (
            KIND
            + "parity: {rows: [{entry_point: a, verdict: UNMEASURED}], downgrades: [{entry_point: a, from_verdict: BETTER, to_verdict: §WORSE}]}",
            "makes WORSE of 'a', whose row says UNMEASURED",
        ),
        (
            KIND
            + "parity: {rows: [{entry_point: a, verdict: UNMEASURED}], downgrades: [{entry_point: a, §from_verdict: BETTER}]}",
            "no 'to_verdict'",
        ),
        (
            KIND
            + "parity: {rows: [{entry_point: a, verdict: WORSE}], downgrades: [{entry_point: a, §to_verdict: WORSE}]}",
            "no 'from_verdict'",
        ),
        (
            KIND
            + "parity: {rows: [{entry_point: a, verdict: WORSE}], downgrades: [{entry_point: a, from_verdict: WORSE, to_verdict: §WORSE}]}",
            "to itself",
        ),
        (
            KIND
            + "parity: {rows: [{entry_point: a, verdict: WORSE}], downgrades: [{entry_point: a, from_verdict: §GREAT, to_verdict: WORSE}]}",
            "is no verdict",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
