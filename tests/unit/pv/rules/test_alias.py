"""Aliases that cannot be followed, and merge keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV007"


@pytest.mark.parametrize(
    "good",
    [
        "x-a: &a [1]\nx-b: *a",
        "x-a: &a 1\nx-b: {c: *a, d: *a}",
        "x-a: &a 1\nx-b: &a 2\nx-c: *a",
        "x-a: {'<<': 1}",
        "x-a: '*a'",
        "x-a: &a {b: 1}\nx-b: {c: *a}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("x-a: §*b", "names no anchor"),
        ("x-a: &a [§*a]", "contains itself"),
        ("x-a: &a {b: {c: §*a}}", "contains itself"),
        ("x-a: &a b\nx-c: {§*a : 1}", "cannot be a key"),
        ("x-a: &a {b: 1}\nx-c: {§<<: *a}", "merge key"),
        ("x-a: &a {b: 1}\nx-c:\n  d: 2\n  §<<: [*a]", "write the keys out"),
        (
            "x-a: &a [" + "x, " * 99 + "x]\nx-b: [" + "*a, " * 99 + "§*a]",
            "more than 10000 values",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
