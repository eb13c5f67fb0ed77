"""A history that does not lead to the status (PV303).

The newest transition in `status_history` must end at the status that the contract declares; otherwise one of the two
was edited alone. Entries without `to` are notes. Newest is the latest date; among equal dates the last in a file that
runs forward, the first in one that runs backward.

Bad:

    status: ACTIVE_RUNTIME
    status_history:
      - {date: "2026-01-02", from: PROPOSED, to: PARTIAL_ALGORITHM_LEVEL}

Good:

    status: PARTIAL_ALGORITHM_LEVEL
    status_history:
      - {date: "2026-01-02", from: PROPOSED, to: PARTIAL_ALGORITHM_LEVEL}

Upstream: none; no rule there reads a history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV303"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if the newest transition ends elsewhere than at the declared status."""
    moves = [entry for entry in contract.status_history if entry.get("to") is not None]
    if not moves or contract.status is None:
        return
    dates = [str(entry.get("date", "")) for entry in moves]
    if dates[0] > dates[-1]:
        moves, dates = moves[::-1], dates[::-1]
    newest = max(range(len(moves)), key=lambda index: (dates[index], index))
    # in the wild the version stands behind the word: "ACTIVE_RUNTIME v1.2.0"
    word = (str(moves[newest]["to"]).split() or [""])[0]
    if word != contract.status:
        index = next(place for place, entry in enumerate(contract.status_history) if entry is moves[newest])
        yield Problem(
            contract.document.value_span("status_history", index, "to"),
            f"the newest transition ends at {word!r}, but the status is {contract.status!r}",
            "record the missing transition, or correct the status",
        )
