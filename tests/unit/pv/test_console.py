from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pv.report.console import Paint, cut, escape, table, width
from pv.report.frame import excerpt, frame
from pv.source import Source
from pv.types import Diagnostic, Severity, Span

PLAIN = Paint(on=False)


def test_widths_are_those_seen() -> None:
    assert [width(text) for text in ("abc", "規則", "e\u0301", "")] == [3, 4, 1, 0]


def test_cutting_never_splits_a_wide_character() -> None:
    assert cut("規則規則", 5) == "規則…"
    assert cut("規則規則", 4) == "規…"
    assert cut("abc", 3) == "abc"


@given(st.text(max_size=30), st.integers(1, 20))
def test_what_is_cut_fits(text: str, columns: int) -> None:
    assert width(cut(text, columns)) <= columns
    assert width(text) > columns or cut(text, columns) == text


@given(st.text(max_size=60))
def test_nothing_escaped_can_drive_a_terminal(text: str) -> None:
    shown = escape(text)
    assert all(character.isprintable() or character == "\u00a0" for character in shown)
    assert escape(shown) == shown


def test_columns_align_with_wide_characters() -> None:
    lines = table([("name", "n"), ("規則", "10"), ("a", "7")], PLAIN, frozenset({1}))
    assert lines == ["name   n", "規則  10", "a      7"]


places = st.builds(Span, st.integers(1, 12), st.integers(1, 400), st.integers(1, 400))


@given(st.text(max_size=300), places)
def test_a_frame_can_be_made_of_anything(text: str, span: Span) -> None:
    found = Diagnostic("a.yaml", span, "PV101", Severity.ERROR, "what\nis wrong", "do this")
    lines = frame(found, Source("a.yaml", text), PLAIN)
    assert lines[0] == f"a.yaml:{span.line}:{span.col}: error[PV101]: what\\nis wrong"
    assert all("\n" not in line for line in lines)


def test_a_long_line_is_shown_around_the_place() -> None:
    lines = excerpt(Source("a", "x" * 500 + "HERE" + "y" * 500), Span(1, 501, 4), PLAIN)
    caret = lines[2].index("^")
    assert lines[1][caret : caret + 4] == "HERE"
    assert lines[2].count("^") == 4
    assert len(lines[1]) < 200
