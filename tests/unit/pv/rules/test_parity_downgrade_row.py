"""Downgrades of no row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV541"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "parity: {rows: [{entry_point: a}, {entry_point: b}], downgrades: [{entry_point: b}, {entry_point: a}]}",
        # the shape is for another rule to report
        KIND + "parity: {rows: [{entry_point: a}], downgrades: [{entry_point: [a]}, 3]}",
        KIND + "parity: {rows: [{entry_point: a}], downgrades: []}",
        KIND + "parity: {rows: [{entry_point: a}], downgrades: {}}",
        # other kinds have none
        "parity: {downgrades: [{entry_point: a}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "parity: {rows: [{entry_point: a}], downgrades: [{entry_point: §b}]}", "has no row"),
        (
            KIND + "parity: {rows: [{entry_point: apr run --gpu}], downgrades: [{entry_point: §apr run -gpu}]}",
            "did you mean 'apr run --gpu'?",
        ),
        (KIND + 'parity: {rows: [{entry_point: a}], downgrades: [{entry_point: §"a "}]}', "has no row"),
        (
            KIND + "parity: {rows: [{entry_point: a}], downgrades: [{entry_point: a}, {entry_point: §a}]}",
            "by downgrades[0]",
        ),
        (KIND + "parity: {rows: [{entry_point: a}], downgrades: [§{reason: SUPERSEDED}]}", "names no row"),
        (KIND + 'parity: {rows: [{entry_point: a}], downgrades: [{entry_point: §""}]}', "names no row"),
        (KIND + "parity: {downgrades: [{entry_point: §a}]}", "a deleted row stays"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
