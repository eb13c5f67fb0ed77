"""A history newer than the last change (PV319).

`metadata.last_modified` (or `updated`, `last_updated`) says when the contract was last changed. An entry of its history is a change;
one with a later date shows that the date was not kept.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], last_modified: "2026-01-02"}
    status: PROPOSED
    status_history:
      - {date: "2026-03-01", from: NEW, to: PROPOSED}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], last_modified: "2026-03-01"}
    status: PROPOSED
    status_history:
      - {date: "2026-03-01", from: NEW, to: PROPOSED}

Upstream: none; no rule there reads a history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._dates import day_of
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pv.parse import Contract

CODE = "PV319"
SEVERITY = Severity.ERROR
KEYS = ("last_modified", "updated", "last_updated")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each date of the last change that lies before the newest entry of a history of the contract."""
    document = contract.document
    newest = max((day for day in _days(contract)), default=None)
    for key in KEYS:
        day = day_of(contract.metadata.get(key))
        if day and newest and day < newest:
            message = f"metadata.{key} is {day}, but the history goes on until {newest}"
            yield Problem(document.value_span("metadata", key), message, f"set it to {newest}")


def _days(contract: Contract) -> Iterator[date]:
    data = contract.document.data
    for block in (
        data.get("status_history"),
        *(contract.metadata.get(key) for key in ("amendment_history", "changelog")),
    ):
        for entry in block if isinstance(block, list) else ():
            day = day_of(entry.get("date")) if isinstance(entry, dict) else None
            if day:
                yield day
