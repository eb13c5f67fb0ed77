"""Read: lines of a text file, numbered as `cat -n` does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.agent.confinement import Refused
from apr.agent.limits import FILE_BYTES, LINE_CHARACTERS, READ_LINES, clipped
from apr.agent.tools.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from apr.agent.confinement import Confinement

DESCRIPTION = (
    f"Reads a text file. Lines are numbered from 1, with a tab behind the number. Shows {READ_LINES} lines unless limit says "
    "otherwise; offset is the first line to show."
)
PARAMETERS: dict[str, Any] = {
    "type": "object",
    "properties": {
        "file_path": {"type": "string", "description": "the file, relative to the working folder"},
        "offset": {"type": "integer", "minimum": 0, "description": "the first line to show, counted from 1"},
        "limit": {"type": "integer", "minimum": 1, "description": "how many lines to show"},
    },
    "required": ["file_path"],
    "additionalProperties": False,
}


def run(arguments: Mapping[str, Any], room: Confinement) -> Outcome:
    """Shows lines of a file.

    Lines end at a line feed; one carriage return before it is not shown. Offset 0 and 1 are the first line.

    Raises:
        Refused: see `Confinement.read`; or it is no UTF-8 text, or has no such line.
    """
    shown = arguments["file_path"]
    inside, content = room.read(shown, FILE_BYTES)
    text = text_of(content, shown)
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    if not lines:
        return Outcome(True, "(the file is empty)", (inside,))
    first = max(arguments.get("offset", 0), 1)
    if first > len(lines):
        raise Refused(f"{shown!r} has {len(lines):,} lines; there is no line {first:,}")
    last = min(first - 1 + arguments.get("limit", READ_LINES), len(lines))
    numbered = "\n".join(f"{n:6}\t{_line(lines[n - 1])}" for n in range(first, last + 1))
    rest = f"\n[{len(lines) - last:,} more lines; go on with offset {last + 1}]" if last < len(lines) else ""
    return Outcome(True, clipped(numbered) + rest, (inside,))


def text_of(content: bytes, shown: str) -> str:
    """The text of a file.

    Raises:
        Refused: it is binary, or not UTF-8.
    """
    if b"\0" in content:
        raise Refused(f"{shown!r} is a binary file")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"{shown!r} is no UTF-8 text: byte {error.start:,}") from None


def _line(line: str) -> str:
    line = line.removesuffix("\r")
    left_out = len(line) - LINE_CHARACTERS
    return line if left_out <= 0 else f"{line[:LINE_CHARACTERS]} [{left_out:,} characters left out]"
