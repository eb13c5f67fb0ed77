"""A history of another kind whose dates do not run one way (PV325).

Beside the contract's own `status_history`, a claim may have one (`date`, `from`, `to`, `reason`), and `metadata` may hold
`amendment_history` or `changelog`, lists of entries with `version` and `date`, or of plain text. They are read as they stand; the
dated entries run oldest first or newest first. Where a claim's own history ends elsewhere than at the state that the claim gives, one
of the two was edited alone.

Bad:

    metadata:
      version: "1.2.0"
      description: d
      references: [r]
      changelog:
        - {version: "1.0.0", date: "2026-01-02", change: first}
        - {version: "1.2.0", date: "2026-03-02", change: third}
        - {version: "1.1.0", date: "2026-02-02", change: second}

Good:

    metadata:
      version: "1.2.0"
      description: d
      references: [r]
      changelog:
        - "1.0.0: first"
        - {version: "1.1.0", date: "2026-02-02", change: second}
        - {version: "1.2.0", date: "2026-03-02", change: third}

Upstream: none; no rule there reads a history.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pv.history.transitions import BLOCK, chronological, entries_at, is_before, runs_backward
from pv.rules._claim_words import word_of
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV325"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each entry out of the order of its history, and each history of a claim that does not lead to its state."""
    for key in ("amendment_history", "changelog"):
        if key in contract.metadata:
            yield from _order(contract, ("metadata", key))
    for claim in contract.claims:
        if BLOCK in claim.data:
            path = (*claim.at, BLOCK)
            yield from _order(contract, path)
            moves = chronological(entries_at(contract.document, path))
            field = next((key for key in ("discharge_status", "status") if isinstance(claim.data.get(key), str)), "")
            if moves and field and word_of(moves[-1].target) != word_of(claim.data[field]):
                message = f"its history ends at {moves[-1].target!r}, but {claim.id!r} is {claim.data[field]!r}"
                span = contract.document.value_span(*path, moves[-1].index, "to")
                yield Problem(span, message, "record the missing move, or correct the state")


def _order(contract: Contract, path: tuple[str | int, ...]) -> Iterator[Problem]:
    entries = [entry for entry in entries_at(contract.document, path) if entry.starts]
    backward = runs_backward(entries)
    for above, below in itertools.pairwise(entries):
        if is_before(above, below) if backward else is_before(below, above):
            way = "newest first" if backward else "oldest first"
            message = f"{below.date} stands below {above.date} in a history that runs {way}"
            span = contract.document.value_span(*path, below.index, "date")
            yield Problem(span, message, "put the entry where its date belongs")
