"""Keys that stand twice in one mapping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV004"


@pytest.mark.parametrize(
    "good", ["x-a: {b: 1, c: {b: 1}}", "x-a: [{b: 1}, {b: 1}]", "x-a: {b: 1, B: 2}", "x-a: {1: 1, 1.0: 2}"]
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("x-a: 1\n§x-a: 2", "first at line"),
        ("x-a: {b: 1, §b: 2}", "'b'"),
        ("x-a:\n  - - b: 1\n      c: 2\n      §'b': 3", "'b'"),
        ("x-a: {1: 1, §'1': 2}", "'1'"),
        ("x-a: {'': 1, §'': 2}", "''"),
        ("equations:\n  f: {formula: x}\n  §f: {formula: y}", "'f'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
