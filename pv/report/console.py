"""Text for people: colour only where a terminal wants it, widths as they are seen, nothing that drives the terminal."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "bold": "1", "dim": "2"}


class Paint:
    """Colours text, or leaves it as it is."""

    def __init__(self, *, on: bool) -> None:
        self.on = on

    @classmethod
    def for_stream(cls, stream: TextIO | None) -> Paint:
        """Colour for a terminal, unless NO_COLOR is set or the terminal is dumb; FORCE_COLOR asks for it anywhere."""
        if os.environ.get("NO_COLOR"):
            return cls(on=False)
        if os.environ.get("FORCE_COLOR", "0") not in ("", "0"):
            return cls(on=True)
        return cls(on=os.environ.get("TERM") != "dumb" and stream is not None and stream.isatty())

    def __call__(self, text: str, *styles: str) -> str:
        """`text` in the named styles."""
        codes = ";".join(_CODES[style] for style in styles if style)
        return f"\x1b[{codes}m{text}\x1b[0m" if self.on and codes else text


def emit(text: str) -> None:
    """Write `text` to standard output, all of it.

    Raises:
        UsageProblem: standard output is closed, full, or fails otherwise.
        BrokenPipeError: its reader has gone.
    """
    if sys.stdout is None:
        raise UsageProblem("cannot write: standard output is closed")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as problem:
        raise UsageProblem(f"cannot write: {problem.strerror or problem}") from None


def escape(text: str) -> str:
    """`text` on one line, with characters that could drive a terminal or turn its direction made visible."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == "\u00a0" else _visible(character) for character in text
    )


def width(text: str) -> int:
    """How many columns `text` takes: none for combining marks, two for wide characters."""
    if text.isascii():
        return len(text)
    import unicodedata  # noqa: PLC0415  needed for few texts

    return sum(
        0
        if unicodedata.category(character) in ("Mn", "Me")
        else 2
        if unicodedata.east_asian_width(character) in "WF"
        else 1
        for character in text
    )


def cut(text: str, columns: int) -> str:
    """`text` in at most so many columns, with an ellipsis where something is missing."""
    if width(text) <= columns:
        return text
    kept, used = [], 0
    for character in text:
        used += width(character)
        if used > columns - 1:
            break
        kept.append(character)
    return "".join(kept) + "…"


def table(rows: Sequence[Sequence[str]], paint: Paint, right: frozenset[int] = frozenset()) -> list[str]:
    """Aligned columns; the first row is the heading."""
    widths = [max(width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for number, row in enumerate(rows):
        cells = [
            " " * (widths[column] - width(cell)) + cell
            if column in right
            else cell + " " * (widths[column] - width(cell))
            for column, cell in enumerate(row)
        ]
        line = "  ".join(cells).rstrip()
        lines.append(paint(line, "bold") if number == 0 else line)
    return lines


def can_write(text: str, encoding: str | None) -> bool:
    """Whether `encoding` has these characters; None stands for UTF-8."""
    try:
        text.encode(encoding or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _visible(character: str) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character, f"\\u{{{ord(character):x}}}")
