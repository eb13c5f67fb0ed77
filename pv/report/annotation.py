"""One workflow command of GitHub Actions, escaped so that no text can end it or begin another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.report.console import escape
from pv.types import Severity

if TYPE_CHECKING:
    from pv.types import Span


def annotation(severity: Severity, text: str, *, path: str, span: Span, title: str) -> str:
    """A line that GitHub shows beside the line of a file."""
    kind = "notice" if severity is Severity.NOTE else severity
    place = f"file={_property(path)},line={span.line},col={span.col},title={_property(title)}"
    return f"::{kind} {place}::{_data(text)}"


def _data(text: str) -> str:
    return "%0A".join(escape(line).replace("%", "%25") for line in text.split("\n"))


def _property(text: str) -> str:
    return escape(text).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
