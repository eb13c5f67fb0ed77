"""Rows without a verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV536"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "parity: {rows: [{verdict: BETTER}]}",
        KIND + "parity: {rows: [{verdict: PARITY}]}",
        KIND + "parity: {rows: [{verdict: WORSE}]}",
        KIND + "parity: {rows: [{verdict: NOT_COMPARABLE}]}",
        KIND + "parity: {rows: [{verdict: UNMEASURED}]}",
        # the shape is for another rule to report
        KIND + "parity: {rows: [{verdict: [WORSE]}, {verdict: {a: b}}]}",
        # other kinds have no rows
        "parity: {rows: [{verdict: x}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "parity: {rows: [{verdict: §MOSTLY_BETTER}]}", "did you mean 'BETTER'?"),
        (KIND + "parity: {rows: [{verdict: §worse}]}", "did you mean 'WORSE'?"),
        (KIND + 'parity: {rows: [{verdict: §"WORSE "}]}', "did you mean 'WORSE'?"),
        (KIND + "parity: {rows: [{verdict: §}]}", "has no verdict"),
        (KIND + 'parity: {rows: [{verdict: §""}]}', "has no verdict"),
        (KIND + "parity: {rows: [§{entry_point: a}]}", "has no verdict"),
        (KIND + "parity: {rows: [{verdict: §1}]}", "cannot end in 1"),
        (KIND + "parity: {rows: [{verdict: §true}]}", "cannot end in True"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
