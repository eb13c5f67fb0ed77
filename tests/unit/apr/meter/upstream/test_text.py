"""How the upstream writes numbers and JSON, and what white space is to it."""

from __future__ import annotations

import pytest

from apr.meter.upstream.text import number, pretty, trimmed, words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (1.0, "1.0"),
        (1 / 3, "0.3333333333333333"),
        (0.95, "0.95"),
        (1e-5, "0.00001"),
        (1.5e-6, "1.5e-6"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e16"),
        (123456.75, "123456.75"),
        (1.25e300, "1.25e300"),
        (float("nan"), "null"),
        (float("inf"), "null"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number(value) == text


def test_pretty_json_has_sorted_keys_and_escapes_little() -> None:
    value = {"b": [], "a": [{"é": 'x"\n\x1f\x7f'}, 1, True, None], "c": {}}
    expected = '{\n  "a": [\n    {\n      "é": "x\\"\\n\\u001f\x7f"\n    },\n    1,\n    true,\n    null\n  ],\n  "b": [],\n  "c": {}\n}'
    assert pretty(value) == expected


def test_white_space_is_unicodes_and_not_pythons() -> None:
    assert words("a\x1cb\u3000c\x85d\u200be") == ["a\x1cb", "c", "d\u200be"]
    assert trimmed("\xa0 \x1fa\u2029") == "\x1fa"
