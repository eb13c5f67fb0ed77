"""An entry dated in the future (PV314).

An entry of `status_history` says what has happened. One with a date to come says what somebody hopes for, and entries of today
would stand before it. A day counts as begun as soon as it has begun anywhere on earth.

Bad:

    status: PROPOSED
    status_history:
      - {date: "9999-01-02", from: NEW, to: PROPOSED}

Good:

    status: PROPOSED
    status_history:
      - {date: "2026-01-02", from: NEW, to: PROPOSED}

Upstream: none; no rule there reads a history.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from pv.history.transitions import BLOCK, transitions
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV314"
SEVERITY = Severity.ERROR

_EAST = timedelta(hours=14)  # the first time zone in which a day begins
_SKEW = timedelta(minutes=10)  # clocks of two machines


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each entry whose date has not come yet."""
    now = datetime.now(UTC)
    for entry in transitions(contract):
        if entry.starts is not None and entry.starts - now > (_EAST if entry.starts != entry.ends else _SKEW):
            span = contract.document.value_span(BLOCK, entry.index, "date")
            yield Problem(span, f"{entry.date} is still to come", "give the date on which it happened")
