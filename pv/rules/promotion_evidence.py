"""A promotion that names no evidence (PV315).

A move up to a level that evidence has to support names the lines of the ledger which supported it, by the first 16 or more
digits of their hashes; then anyone can check them. `pv promote` writes such an entry. Only the newest promotion is
looked at: an entry that is committed is never changed, and a promotion with evidence settles those before it, as does
an entry from a status to the same one that names evidence.

Bad:

    status: ACTIVE_RUNTIME
    status_history:
      - {date: "2026-01-02", from: PROPOSED, to: ACTIVE_RUNTIME, reason: all green}

Good:

    status: ACTIVE_RUNTIME
    status_history:
      - {date: "2026-01-02", from: PROPOSED, to: ACTIVE_RUNTIME, evidence: [4f1d0c52a3b96e78, 91aa07e3c5d2f046]}

Upstream: none; no rule there reads a history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.history.transitions import BLOCK, MIN_ABBREVIATION, chronological, transitions
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV315"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield the newest promotion if it names no line of a ledger."""
    moves = chronological(transitions(contract))
    promotions = [move for move in moves if move.promotes or (move.evidence and move.from_rung is move.to_rung)]
    if promotions and not promotions[-1].evidence:
        move = promotions[-1]
        yield Problem(
            contract.document.value_span(BLOCK, move.index, "evidence"),
            f"the move to {move.target!r} names no evidence",
            f"pv promote writes it: the hashes of the ledger's lines, {MIN_ABBREVIATION} digits of each or more",
        )
