"""Ledgers of nothing but wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV548"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "parity: {rows: [{verdict: BETTER}, {verdict: WORSE}]}",
        KIND + "parity: {rows: [{verdict: BETTER}, {verdict: PARITY}]}",
        KIND + "parity: {rows: [{verdict: BETTER}, {verdict: NOT_COMPARABLE}]}",
        KIND + "parity: {rows: [{verdict: BETTER}, {verdict: UNMEASURED}]}",
        # no loss is asked for where nothing was compared
        KIND + "parity: {rows: []}",
        KIND + "parity: {rows: [{verdict: WORSE}]}",
        KIND + "parity: {rows: [{verdict: BETTER}, {entry_point: b}]}",
        KIND + "parity: {rows: [{verdict: [BETTER]}]}",
        # other kinds have no rows
        "parity: {rows: [{verdict: BETTER}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (KIND + "parity: {§rows: [{verdict: BETTER}]}", "the only comparison is a win", Severity.WARNING),
        (
            KIND + "parity: {§rows: [{verdict: BETTER}, {verdict: BETTER}]}",
            "each of 2 comparisons is a win",
            Severity.WARNING,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
