"""Text that is not YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV003"


@pytest.mark.parametrize(
    "good",
    [
        "x-a: 'b: c'",
        "x-a: |\n  b: [\n",
        "x-a: {b: c}",
        "x-a: 123456789012345678901234567890",
        'x-a: "\\x01"',
        "? x-a\n: 1",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("x-a: b§: c", "not allowed"),
        ("x-a: [1, 2§", "expected ',' or ']'"),
        ("x-a: 'b§", "unexpected end of stream"),
        ("x-a: 1\n§\t- b", "tab character"),
        ("x-a: b§\x01", "U+0001"),
        ("x-a: {§[1]: 2}", "cannot be a key"),
        ("x-a: {§{b: 1}: 2}", "cannot be a key"),
        (
            "x-a: §" + "9" * 1001,
            "1001 digits",
        ),
        ("x-a: §%b", "cannot start any token"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
