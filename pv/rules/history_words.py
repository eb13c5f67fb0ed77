"""A move from or to a word that stands nowhere on the ladder (PV313).

The ladder: PROPOSED, PARTIAL_ALGORITHM_LEVEL, ACTIVE_ALGORITHM_LEVEL, ACTIVE_RUNTIME; beside it REFUTED. Words that contracts
elsewhere use for the same rungs are understood (NEW, DRAFT, ACTIVE, FUNCTIONAL, DISCHARGED and others). A version may stand behind
the word; remarks belong into `reason`.

Bad:

    status: PROPOSED
    status_history:
      - {date: "2026-01-02", from: FUNCTIONALLY_DISCHARGED, to: PROPOSED}

Good:

    status: PROPOSED
    status_history:
      - {date: "2026-01-02", from: DRAFT v0.1.0, to: PROPOSED, reason: functionally discharged is no status}

Upstream: none; no rule there reads a history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.history.transitions import BLOCK, transitions
from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import STATUS_WORDS, Effective, did_you_mean, rung

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV313"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each `from` and `to` whose first word is unknown."""
    for entry in transitions(contract):
        for key, word in (("from", entry.source), ("to", entry.target)):
            if word and rung(word) is None:
                fix = did_you_mean(word.upper(), STATUS_WORDS) or f"one of {', '.join(Effective)}"
                span = contract.document.value_span(BLOCK, entry.index, key)
                yield Problem(span, f"unknown status {word!r} in {key!r}", fix)
