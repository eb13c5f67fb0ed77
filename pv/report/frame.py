"""A finding with the source line it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.report.console import escape, width
from pv.types import Severity

if TYPE_CHECKING:
    from pv.report.console import Paint
    from pv.source import Source
    from pv.types import Diagnostic, Span

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}
_LONGEST = 160  # columns of a source line that are shown


def frame(found: Diagnostic, source: Source | None, paint: Paint) -> list[str]:
    """The lines that show a finding: headline, source line with a caret, help."""
    word = paint(f"{found.severity}[{found.code}]", _COLOURS[found.severity], "bold")
    place = f"{escape(found.path)}:{found.span.line}:{found.span.col}"
    lines = [f"{place}: {word}: {escape(found.message)}"]
    gutter = len(str(found.span.line))
    if source is not None:
        lines += excerpt(source, found.span, paint)
    if found.help:
        lines.append(f"{' ' * gutter} = help: {escape(found.help)}")
    return lines


def excerpt(source: Source, span: Span, paint: Paint) -> list[str]:
    """The source line of a span, with carets under what it covers; nothing if the line is blank."""
    text = source.line(span.line)
    if not text.strip():
        return []
    start = max(0, span.col - 1 - _LONGEST // 2) if span.col > _LONGEST else 0
    shown = escape(text[start : start + _LONGEST])
    before = width(escape(text[start : span.col - 1]))
    under = max(1, width(escape(text[span.col - 1 : min(span.col - 1 + span.width, start + _LONGEST)])))
    gutter = " " * len(str(span.line))
    return [
        f"{gutter} |",
        f"{span.line} | {shown}",
        f"{gutter} | {' ' * before}{paint('^' * under, 'red')}",
    ]
