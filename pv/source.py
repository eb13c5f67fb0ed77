"""A file's text, read once and kept for the source lines that diagnostics show."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pv.pattern import lazy
from pv.types import Diagnostic, Severity, Span

if TYPE_CHECKING:
    from pathlib import Path

# YAML 1.1, which libyaml counts lines by, ends a line at these.
_LINE_END = lazy("\r\n|[\n\r\x85\u2028\u2029]")
_RARE_ENDS = "\r\x85\u2028\u2029"


@dataclass(frozen=True)
class Source:
    """The text of a file under the name it is reported by."""

    name: str
    text: str

    def line(self, number: int) -> str:
        """Line `number`, counted from 1; empty past the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    @functools.cached_property
    def lines(self) -> list[str]:
        """The lines, without their ends."""
        if any(end in self.text for end in _RARE_ENDS):
            return _LINE_END.split(self.text)
        return self.text.split("\n")  # the same, without a search

    @functools.cached_property
    def starts(self) -> list[int]:
        """The offset at which each line begins."""
        return [0, *(end.end() for end in _LINE_END.finditer(self.text))]

    def offset(self, span: Span) -> int:
        """The offset of the character at which `span` begins, a place in this text."""
        return self.starts[span.line - 1] + span.col - 1

    def clamp(self, span: Span) -> Span:
        """`span`, or the end of the text if it lies beyond."""
        return span if self.line(span.line) or span.line == 1 else self.locate(len(self.text.rstrip()))

    def locate(self, offset: int) -> Span:
        """The line and column of the character at `offset`."""
        before = _LINE_END.split(self.text[:offset])
        return Span(len(before), len(before[-1]) + 1)


def read_source(path: Path, name: str) -> Source | Diagnostic:
    """Read `path` as UTF-8, with or without a byte order mark."""
    try:
        raw = path.read_bytes()
    except OSError as problem:
        message = f"cannot be read: {problem.strerror or problem}"
        return Diagnostic(name, Span(1, 1), "PV001", Severity.ERROR, message, "check the path and its permissions")
    return decode(raw, name)


def decode(raw: bytes, name: str) -> Source | Diagnostic:
    """The text of bytes that were read from elsewhere, as from standard input."""
    try:
        return Source(name, raw.decode("utf-8-sig"))
    except UnicodeDecodeError as problem:
        good = Source(name, raw[: problem.start].decode("utf-8", "replace"))
        message = f"not UTF-8 at byte offset {problem.start} (0x{raw[problem.start]:02x})"
        return Diagnostic(name, good.locate(len(good.text)), "PV002", Severity.ERROR, message, "save the file as UTF-8")
