"""Obligations, and equations of a list, that share an id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV236"


@pytest.mark.parametrize(
    "good",
    [
        "proof_obligations: [{id: O-1, property: p}, {id: O-2, property: p}]",
        # an id is not what they state, and nothing is no id
        "proof_obligations: [{property: p}, {property: p}, {id: , property: p}, {id: '', property: p}]",
        "proof_obligations: [{id: O-1, property: p}, {id: o-1, property: p}]",
        # the same id in two blocks
        "proof_obligations: [{id: a, property: p}]\nequations: [{id: a, formula: f}, {formula: f}, {formula: f}]",
        "equations: {a: {formula: f}, b: {formula: f, id: a}}",
        "proof_obligations: {O-1: {property: p}}",
        "proof_obligations: [{id: [O-1]}, {id: [O-1]}, O-1, O-1]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            "proof_obligations:\n  - {id: O-1, property: p}\n  - {id: §O-1, property: q}",
            "obligation id 'O-1' stands twice",
        ),
        ("proof_obligations:\n  - {id: 1, property: p}\n  - {id: §'1 ', property: q}", "'1' stands twice"),
        ("equations:\n  - {id: a, formula: f}\n  - {id: b, formula: f}\n  - {id: §a, formula: g}", "equation id 'a'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
