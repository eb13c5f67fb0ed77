"""What a line of each kind must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv import row as case
from pv.ledger.line import OF_CASES, OF_RUNS

if TYPE_CHECKING:
    from collections.abc import Mapping


def fault(row: Mapping[str, Any]) -> str:
    """What keeps a line from being a row of its kind, in words; empty if nothing does."""
    kind = row.get("kind")
    if kind not in (*OF_CASES, *OF_RUNS):
        return "its kind is no known word"
    if not isinstance(row.get("run"), str):
        return "names no run"
    return case.fault(row) if kind in OF_CASES else ""
