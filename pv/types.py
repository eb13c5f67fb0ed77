"""Where something stands in a file, and what is wrong with it."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Span(NamedTuple):
    """A place in a file: line and column from 1, and how many characters of that line it covers."""

    line: int
    col: int
    width: int = 1


class Fix(NamedTuple):
    """A mechanical repair: `text` takes the place of what `span` covers, or is put before it where that has no width."""

    span: Span
    text: str


class Diagnostic(NamedTuple):
    """One finding, with all that a report needs to show it."""

    path: str
    span: Span
    code: str
    severity: Severity
    message: str
    help: str | None = None
    fix: Fix | None = None

    @property
    def headline(self) -> str:
        """The greppable first line: `path:line:col: severity[CODE]: message`."""
        return f"{self.path}:{self.span.line}:{self.span.col}: {self.severity}[{self.code}]: {self.message}"


class UsageProblem(Exception):
    """Something the user asked for or configured cannot be used; the message says what and what to do."""
