"""The line of a finding, and where its caret stands."""

from __future__ import annotations

import unicodedata

import pytest

from pv.report.console import Paint, width
from pv.report.frame import excerpt
from pv.source import Source
from pv.types import Span

PLAIN = Paint(on=False)


def seen(text: str) -> int:
    """The columns of a text by the book, one character at a time."""
    return sum(
        0 if unicodedata.category(one) in ("Mn", "Me") else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


@pytest.mark.parametrize(
    "before",
    ["", "abc ", "\t\t", "規則 ", "e\u0301 ", "\u2764\ufe0f ", "क्षि ", "\u200d", "\x1b[31m", "\u202e", "🙂 "],
    ids=ascii,
)
def test_the_caret_stands_under_its_word(before: str) -> None:
    _, shown, carets = excerpt(Source("a", f"{before}HERE: 1"), Span(1, len(before) + 1, 4), PLAIN)
    assert seen(shown[: shown.index("HERE")]) == carets.index("^")
    assert carets.count("^") == 4
    assert "\x1b" not in shown


@pytest.mark.parametrize(("at", "left", "right"), [(0, False, True), (400, True, True), (796, True, False)])
def test_a_long_line_shows_that_something_is_left_out(at: int, left: bool, right: bool) -> None:
    text = "x" * at + "HERE" + "y" * (796 - at)
    _, shown, carets = excerpt(Source("a", text), Span(1, at + 1, 4), PLAIN)
    line = shown.removeprefix("1 | ")
    assert (line.startswith("..."), line.endswith("...")) == (left, right)
    assert shown.index("HERE") == carets.index("^")
    assert len(line) <= 170


def test_a_span_beyond_what_is_shown_is_cut() -> None:
    _, shown, carets = excerpt(Source("a", "z" * 1000), Span(1, 1, 1000), PLAIN)
    assert len(carets) <= len(shown)


def test_widths() -> None:
    assert [width(text) for text in ("plain", "\u2764\ufe0f", "क्षि", "規")] == [5, 1, 3, 2]
