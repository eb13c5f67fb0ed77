"""What pages of the reference say, so that tests can hold programs to it."""

from __future__ import annotations

import itertools
from pathlib import Path

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"


def keys(page: str) -> list[list[str]]:
    """Of each table of keys of a page, in order, what stands in backquotes in the first column."""
    lines = iter((REFERENCE / page).read_text(encoding="utf-8").splitlines())
    found = []
    for line in lines:
        if line.startswith("| key"):
            rows = itertools.takewhile(lambda row: row.startswith("|"), lines)
            found.append([key for row in rows for key in row.split("|")[1].split("`")[1::2]])
    return found
