"""Two versions of a text as a unified diff that `git apply` and `patch` take."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from pv.report.console import escape

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.report.console import Paint

_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # as git counts lines: whatever stands before the line feed belongs to the line
_COLOURS = {"---": "bold", "+++": "bold", "@": "blue", "-": "red", "+": "green"}


def unified(name: str, old: str, new: str, paint: Paint, *, seen: bool = False) -> str:
    """The diff from `old` to `new` of the file `name`, empty where they are the same.

    What is `seen` on a terminal shows characters that could drive it; anywhere else every character is as it is.
    """
    name = escape(name).lstrip("/")
    lines = difflib.unified_diff(_LINE.findall(old), _LINE.findall(new), f"a/{name}", f"b/{name}")
    return "".join(f"{_painted(line, paint, seen=seen)}\n" for part in lines for line in _whole(part))


def _whole(line: str) -> Iterator[str]:
    """A line without its end, and the remark that belongs below one that has none."""
    yield line.removesuffix("\n")
    if not line.endswith("\n"):
        yield "\\ No newline at end of file"


def _painted(line: str, paint: Paint, *, seen: bool) -> str:
    colour = next((colour for start, colour in _COLOURS.items() if line.startswith(start)), "")
    text = escape(line.removesuffix("\r")) if seen else line
    return paint(text, colour) if colour else text
