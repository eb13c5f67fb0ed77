"""docs/reference/decisions.md: every decision with what it decides in a line."""

from __future__ import annotations

import re
from pathlib import Path

from pv.report.language import table

FOLDER = Path(__file__).parent / "decisions"
_HEAD = """\
# Decisions

Why things are as they are, in the order in which it was decided. What has changed since stands in the decision itself."""
_TITLE = re.compile(r"# (\d+)\. (.+)")


def decisions_page(made: str) -> str:
    """The page, under the line `made`.

    Raises:
        ValueError: a decision whose first line is not `# NUMBER. TITLE` with the number of its file.
    """
    rows = []
    for path in sorted(FOLDER.glob("[0-9]*.md")):
        first = path.read_text("utf-8").partition("\n")[0]
        found = _TITLE.fullmatch(first)
        if found is None or int(found[1]) != int(path.name[:4]):
            raise ValueError(f"{path}: begins with {first!r}, not with `# {int(path.name[:4])}. TITLE`")
        rows.append((found[1], f"[{found[2]}](../decisions/{path.name})"))
    return "\n\n".join((made, _HEAD, table(("number", "decision"), rows))) + "\n"
