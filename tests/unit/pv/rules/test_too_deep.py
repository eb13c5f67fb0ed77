"""Nesting that no reader needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.load import MAX_DEPTH

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV006"
LEVELS = MAX_DEPTH - 1  # the contract itself is one
BLOCKS = "x-a:\n" + "".join(" " * level + "a:\n" for level in range(1, MAX_DEPTH))


@pytest.mark.parametrize(
    "good",
    [
        "x-a: " + "[" * LEVELS + "]" * LEVELS,
        "x-a: " + "{a: " * LEVELS + "1" + "}" * LEVELS,
        "x-a: '" + "[" * 200 + "'",
        "x-a: [" + "[1], " * 500 + "]",
    ],
    ids=["lists", "mappings", "text", "side by side"],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    "bad",
    [
        "x-a: " + "[" * LEVELS + "§[" + "]" * MAX_DEPTH,
        "x-a: " + "{a: " * LEVELS + "§{a: " * 1,
        "x-a: " + "[" * LEVELS + "§" + "[" * 200_000,
        BLOCKS + " " * MAX_DEPTH + "§a: 1",
    ],
    ids=["lists", "mappings", "very deep", "by indentation"],
)
def test_bad(rule: Tried, bad: str) -> None:
    rule.finds(bad, "more than 64 levels deep")
