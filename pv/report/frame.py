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


def headline(found: Diagnostic, paint: Paint) -> str:
    """The first line of a finding: `path:line:col: severity[CODE]: message`."""
    word = paint(f"{found.severity}[{found.code}]", _COLOURS[found.severity], "bold")
    return f"{escape(found.path)}:{found.span.line}:{found.span.col}: {word}: {escape(found.message)}"


def frame(found: Diagnostic, source: Source | None, paint: Paint) -> list[str]:
    """The lines that show a finding: headline, source line with a caret, help."""
    lines = [headline(found, paint)]
    if source is not None:
        lines += excerpt(source, found.span, paint)
    if found.help:
        lines.append(f"{' ' * len(str(found.span.line))} = help: {escape(found.help)}")
    return lines


def excerpt(source: Source, span: Span, paint: Paint) -> list[str]:
    """The source line of a span, with carets under what it covers; nothing if the line is blank.

    Of a long line it is the part around the place, with an ellipsis where something is left out.
    """
    text = source.line(span.line)
    if not text.strip():
        return []
    start = max(0, span.col - 1 - _LONGEST // 2) if span.col > _LONGEST else 0
    end = start + _LONGEST
    left, right = ("..." if start else ""), ("..." if len(text) > end else "")
    before = width(left + escape(text[start : span.col - 1]))
    under = max(1, width(escape(text[span.col - 1 : min(span.col - 1 + span.width, end)])))
    gutter = " " * len(str(span.line))
    return [
        f"{gutter} |",
        f"{span.line} | {left}{escape(text[start:end])}{right}",
        f"{gutter} | {' ' * before}{paint('^' * under, 'red')}",
    ]
