"""Shell texts cut into words and operators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pv.commandline.tokens import tokenize


def words(text: str) -> list[str]:
    return [token.text for token in tokenize(text).items]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", ["a", "b"]),
        ("a&&b||c;d|e&", ["a", "&&", "b", "||", "c", ";", "d", "|", "e", "&"]),
        ("a \\\n  b", ["a", "b"]),
        ("a\nb", ["a", "\n", "b"]),
        ("'a && b' \"c | d\"", ["a && b", "c | d"]),
        ("a\\ b", ["a b"]),
        ('"a \\" b"', ['a " b']),
        ("a 2>&1 >x", ["a", ">&", "1", ">", "x"]),
        ("a # b && c\nd", ["a", "\n", "d"]),
        ("a#b", ["a#b"]),
        ("x=$(a && b) c", ["x=$(a && b)", "c"]),
        ("${a:-b c} d", ["${a:-b c}", "d"]),
        ("$((1 + (2))) d", ["$((1 + (2)))", "d"]),
        ("cat <<EOF\na && b\nEOF\nc", ["cat", "<<", "EOF", "\n", "\n", "c"]),
        ("[[ a == b ]]", ["[[", "a", "==", "b", "]]"]),
    ],
)
def test_cut(text: str, expected: list[str]) -> None:
    assert words(text) == expected
    assert not tokenize(text).broken


def test_what_is_substituted_is_kept() -> None:
    only = tokenize('x="$(a "$(b)" || true)`c`"').items[0]
    assert only.inner == ('a "$(b)" || true', "c")


@pytest.mark.parametrize("text", ["'a", '"a', "$(a", "`a", "${a", "cat <<EOF\nx", "$(('"])
def test_what_has_no_end_is_broken(text: str) -> None:
    assert tokenize(text).broken


@given(st.text("ab '\"\\$(){}`&|;<>#\n=!-[]0", max_size=60))
def test_any_text_is_cut(text: str) -> None:
    items = tokenize(text).items
    assert all(text.startswith(token.raw, token.at) for token in items)
    assert [token.at for token in items] == sorted({token.at for token in items})
