"""A report within a document that somebody else wrote: what stands between two markers is ours."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from pv.report.console import escape
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pathlib import Path

BEGIN, END = "<!-- pv status -->", "<!-- /pv status -->"


def embed(path: Path, content: str) -> tuple[str, str]:
    """The text of the document at `path` as it is, and as it is with `content` between its markers.

    The document keeps its line ends. A marker counts where it has a line to itself.

    Raises:
        UsageProblem: the document cannot be read, or it does not hold each marker once, in this order.
    """
    name = escape(str(path))
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as problem:
        raise UsageProblem(f"{name}: cannot be read: {problem.strerror or problem}") from None
    except UnicodeDecodeError:
        raise UsageProblem(f"{name}: is no UTF-8 text") from None
    lines = text.splitlines(keepends=True)
    begins = [number for number, line in enumerate(lines) if line.strip() == BEGIN]
    ends = [number for number, line in enumerate(lines) if line.strip() == END]
    if len(begins) != 1 or len(ends) != 1 or ends[0] < begins[0]:
        raise UsageProblem(
            f"{name}: needs a line `{BEGIN}` and below it a line `{END}`, once each; "
            f"it has {len(begins)} and {len(ends)}: nothing was written"
        )
    newline = "\r\n" if lines[begins[0]].endswith("\r\n") else "\n"
    ours = newline.join(["", *content.splitlines(), "", ""])
    return text, "".join([*lines[: begins[0] + 1], ours, *lines[ends[0] :]])


def difference(path: Path, before: str, after: str) -> str:
    """What would change in the document, as a unified diff; empty where nothing would."""
    name = escape(str(path))
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), name, f"{name} (as it should be)", lineterm="", n=1
    )
    return "\n".join(map(escape, lines))
