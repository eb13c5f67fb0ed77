"""What became of pins, as a table, as lines and as JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pv.report.console import escape, table
from pv.report.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.pins.compare import Result
    from pv.report.console import Paint

SCHEMA = "pv-pin-v1"
_COLOURS = {"ok": "green", "NOT RUN": "yellow", "FINDING": "red"}


def as_text(results: Sequence[Result], paint: Paint, *, strict: bool) -> str:
    """A table with a line for each pin, then what there is to say of them, then how many there are of each kind."""
    rows = [
        (one.pin.path, one.pin.commit[:12], one.pin.branch, one.pin.synced, one.word(strict=strict)) for one in results
    ]
    shown = [tuple(map(escape, row)) for row in rows]
    lines = table([("contract", "commit", "branch", "synced", "result"), *shown], paint)
    lines = lines[:1] + [_coloured(line, row[-1], paint) for line, row in zip(lines[1:], rows, strict=True)]
    said = [f"{escape(one.pin.path)}: {escape(text)}" for one in results for text in _said(one)]
    return "\n".join([*lines, *([""] if said else []), *said, "", paint(headline(results, strict=strict), "bold")])


def headline(results: Sequence[Result], *, strict: bool) -> str:
    """How many pins there are, and how many of each kind."""
    words = Counter(one.word(strict=strict) for one in results)
    parts = [f"{words['ok']} ok"]
    if words["FINDING"]:
        parts.append(f"{words['FINDING']} with findings")
    if words["NOT RUN"]:
        parts.append(f"{words['NOT RUN']} not run")
    return f"{counted(len(results), 'pin')}: {', '.join(parts)}"


def as_json(command: str, results: Sequence[Result], *, strict: bool) -> str:
    """The same as one JSON object."""
    data = {"schema": SCHEMA, "command": command, "headline": headline(results, strict=strict)}
    return json.dumps({**data, "pins": [_data(one, strict=strict) for one in results]}, indent=2)


def _said(one: Result) -> list[str]:
    return [
        *one.findings,
        *([f"not run: {one.not_run}"] if one.not_run else []),
        *([f"behind: {one.behind}"] if one.behind else []),
        *one.notes,
    ]


def _coloured(line: str, word: str, paint: Paint) -> str:
    return line.removesuffix(word) + paint(word, _COLOURS[word])


def _data(one: Result, *, strict: bool) -> dict[str, Any]:
    pin = one.pin
    return {
        "path": pin.path,
        "source": pin.source,
        "branch": pin.branch,
        "commit": pin.commit,
        "upstream_path": pin.upstream_path,
        "synced": pin.synced,
        "result": one.word(strict=strict).lower(),
        "findings": list(one.findings),
        "notes": list(one.notes),
        "not_run": one.not_run or None,
        "behind": one.behind or None,
        "sha256": {"lock": pin.sha256, "local": one.local or None, "upstream": one.upstream or None},
    }
