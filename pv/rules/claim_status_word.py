"""A claim in a state that nobody knows (PV327).

`status` and `discharge_status` of a claim begin with a word: one of the ladder's, or one that real contracts use for claims (OPEN,
PLANNED, PENDING, BLOCKED, IMPLEMENTED, PASS, VERIFIED, FALSIFIED, PARTIAL and the like); a milestone (`PLANNED_M3`) or prose may stand
behind it. Another word cannot be compared with anything. One that is nearly a known word is a warning.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], status: green-ish}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], status: PLANNED_M3}

Upstream: none; no rule there reads a status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._claim_words import KNOWN, said
from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV327"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each state of a claim whose first word is unknown."""
    for claim in contract.claims:
        for field, word in said(claim):
            if field == "result" or word in KNOWN:
                continue
            meant = did_you_mean(word, sorted(KNOWN), near=0.8)
            span = contract.document.value_span(*claim.at, field)
            fix = meant or "words of claims: OPEN, PLANNED, PENDING, BLOCKED, IMPLEMENTED, PASS, VERIFIED, FALSIFIED, …"
            message = f"claim {claim.id!r}: nobody knows the {field.replace('_', ' ')} {word!r}"
            yield Problem(span, message, fix, Severity.WARNING if meant else None)
