"""A history with a link missing (PV310).

Each move in `status_history` must begin where the one before it ended: the same word and, where both give one, the same
version. Otherwise a step was taken that nobody wrote down, or two entries stand in the wrong order. Moves are taken by date;
within a day by the time, by version, or as the file runs.

Bad:

    status: ACTIVE_ALGORITHM_LEVEL
    status_history:
      - {date: "2026-01-02", from: NEW, to: PROPOSED}
      - {date: "2026-02-03", from: PARTIAL_ALGORITHM_LEVEL, to: ACTIVE_ALGORITHM_LEVEL, evidence: [4f1d0c52a3b96e78]}

Good:

    status: ACTIVE_ALGORITHM_LEVEL
    status_history:
      - {date: "2026-01-02", from: NEW, to: PROPOSED}
      - {date: "2026-02-03", from: PROPOSED, to: ACTIVE_ALGORITHM_LEVEL, evidence: [4f1d0c52a3b96e78]}

Upstream: none; no rule there reads a history.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pv.history.transitions import BLOCK, chronological, transitions
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV310"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each move that begins elsewhere than where the one before it ended."""
    for before, after in itertools.pairwise(chronological(transitions(contract))):
        span = contract.document.value_span(BLOCK, after.index, "from")
        if not after.source:
            yield Problem(span, f"says not where it comes from; the move before ended at {before.target!r}")
        elif before.target.upper() != after.source.upper():
            message = f"begins at {after.source!r}, but the move before ({before.date}) ended at {before.target!r}"
            yield Problem(span, message, "add the missing move; an entry that is committed already is never changed")
        elif before.version and after.source_version and before.version != after.source_version:
            message = f"begins at version {after.source_version}, but the move before ended at {before.version}"
            yield Problem(span, message, "add the missing move; an entry that is committed already is never changed")
