"""Second documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV008"


@pytest.mark.parametrize("good", ["x-a: '---'", "x-a: |\n  ---\n", "x-a: 1\n...\n", "x-a: 1 # ---"])
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("x-a: 1\n§---\nx-b: 2", "one contract a file"),
        ("x-a: 1\n§---\n", "second document"),
        ("x-a: 1\n...\n§---\n[]", "second document"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
