"""A status that the contract's own claims deny (PV318).

Claims may say how they stand (`status`, `discharge_status`, `result`). ACTIVE_ALGORITHM_LEVEL and ACTIVE_RUNTIME mean that every
claim is discharged; a contract that declares one of them while its claims read PLANNED, OPEN or FALSIFIED contradicts itself. It is
an error for these two words, and a warning for others that stand for the same rungs (ACTIVE, DISCHARGED), whose authors may mean
something else by them.

Bad:

    status: ACTIVE_RUNTIME
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], status: PLANNED_M3}

Good:

    status: PROPOSED
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], status: PLANNED_M3}

Not flagged: a claim with `expect: refuted` that says it was falsified, which is what it expects.

Upstream: none; no rule there reads a status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._claim_words import FAILED, OPEN, PARTLY, said
from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import Effective, Expect, rung

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Claim, Contract

CODE = "PV318"
SEVERITY = Severity.WARNING
SHOWN = 3  # claims that the message names


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if claims of a contract say less of themselves than its status."""
    declared = rung(contract.status or "")
    if declared is None or declared.rank < Effective.ACTIVE_ALGORITHM_LEVEL.rank:
        return
    lower = [(claim.id, word) for claim in contract.claims if (word := _less(claim, declared))]
    if lower:
        shown = ", ".join(f"{name} is {word}" for name, word in lower[:SHOWN])
        more = f" and {len(lower) - SHOWN} more" if len(lower) > SHOWN else ""
        message = (
            f"status {contract.status!r}, but {len(lower)} of {len(contract.claims)} claims say less: {shown}{more}"
        )
        path = ("status",) if "status" in contract.document.data else ("metadata", "status")
        exact = (contract.status or "").upper() in set(Effective)
        fix = "bring the claims up to date, or lower the status"
        span = contract.document.value_span(*path)
        yield Problem(span, message, fix, Severity.ERROR if exact else None)


def _less(claim: Claim, declared: Effective) -> str:
    """The first word by which a claim says less than the contract; empty if it says none."""
    for field, word in said(claim):
        own = rung(word)
        if word in FAILED and claim.expect is Expect.REFUTED:
            continue
        if word in OPEN or word in FAILED or word in PARTLY or (own is not None and own.rank < declared.rank):
            return str(claim.data[field]).split(maxsplit=1)[0][:40]
    return ""
