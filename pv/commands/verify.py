"""`pv verify`: whether a ledger is what was written."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pv.config import find_config
from pv.ledger import Verified, verify
from pv.report.console import Paint, emit, escape
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pv.ledger import Found

_SHORTEST, _LONGEST = 12, 64  # hex digits of a hash that is asked for
_PATIENCE = 2.0  # seconds after which a terminal is told how far it is
_TOLD = 50


def run(arguments: argparse.Namespace) -> int:
    """Check a ledger line by line; 1 if it is not what was written, or does not hold the head that was asked for.

    Raises:
        UsageProblem: the ledger is not there or cannot be read, or what was asked for is no hash.
    """
    path = Path(arguments.ledger) if arguments.ledger else find_config(Path.cwd()).ledger
    head = arguments.head or ""
    if arguments.head is not None and not _is_hash(head):
        raise UsageProblem(f"{escape(head)!r} is no head: 12 to 64 hex digits, as `pv verify` prints them")
    progress = _Progress()
    found = verify(path, head, progress if progress.wanted else None)
    progress.clear()
    emit((_as_json(found, head) if arguments.json else _as_text(found, head, Paint.for_stream(sys.stdout))) + "\n")
    return 1 if found.faults or not found.holds_head else 0


def _is_hash(text: str) -> bool:
    return _SHORTEST <= len(text) <= _LONGEST and not text.strip("0123456789abcdef")


def _as_text(found: Verified, head: str, paint: Paint) -> str:
    lines = [*_told(found, found.faults, paint, "red"), *_told(found, found.notes, paint, "yellow")]
    if not found.holds_head:
        what = f"no line has the hash {head}: the end was cut off, or lines were changed and chained anew"
        lines.append(paint(f"{escape(str(found.path))}: {what}", "red"))
    faults = len(found.faults) + (not found.holds_head)
    parts = (_count(found.lines, "line"), _count(found.runs, "run"), _count(found.cases, "case"))
    verdict = paint(_count(faults, "fault"), "red") if faults else paint("unbroken", "green")
    lines.append(f"{escape(str(found.path))}: {', '.join(parts)}: {verdict}")
    return "\n".join([*lines, f"head {found.head or 'none'}"])


def _told(found: Verified, many: Sequence[Found], paint: Paint, colour: str) -> list[str]:
    path = escape(str(found.path))
    lines = [f"{path}:{one.number}: {paint(one.kind, colour)}: {escape(one.text)}" for one in many[:_TOLD]]
    return [*lines, f"{path}: and {len(many) - _TOLD} more"] if len(many) > _TOLD else lines


def _as_json(found: Verified, head: str) -> str:
    return json.dumps(
        {
            "schema": "pv-verify-v1",
            "ledger": str(found.path),
            "lines": found.lines,
            "runs": found.runs,
            "cases": found.cases,
            "head": found.head or None,
            "asked_head": head or None,
            "holds_head": found.holds_head if head else None,
            "faults": [_data(one) for one in found.faults],
            "notes": [_data(one) for one in found.notes],
        },
        indent=2,
    )


def _data(one: Found) -> dict[str, object]:
    return {"line": one.number, "kind": str(one.kind), "text": one.text}


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


class _Progress:
    """One line on a terminal, once the check takes its time."""

    def __init__(self) -> None:
        self.wanted = sys.stderr is not None and sys.stderr.isatty()
        self._began = time.monotonic()
        self._shown = False

    def __call__(self, done: int, size: int) -> None:
        if time.monotonic() - self._began > _PATIENCE:
            sys.stderr.write(f"\rverifying: {100 * done // size:3d} %")
            sys.stderr.flush()
            self._shown = True

    def clear(self) -> None:
        """Take the line away again."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
