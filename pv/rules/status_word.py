"""A status outside the vocabulary (PV302).

A status is compared with what the evidence supports; a word that stands nowhere on the ladder cannot be.
The ladder: PROPOSED, PARTIAL_ALGORITHM_LEVEL, ACTIVE_ALGORITHM_LEVEL, ACTIVE_RUNTIME; beside it REFUTED.

Bad:

    status: ACTIV_RUNTIME

Good:

    status: ACTIVE_RUNTIME

Not flagged: the words of a kaizen record, which has a list of its own (PV512); of a benchmark also `enforced` and `tracking`, which
real ones say of their gate.

Upstream: none; no rule there reads a status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import STATUS_WORDS, Effective, did_you_mean, rung

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV302"
SEVERITY = Severity.ERROR

_OF_KINDS = {"beat-benchmark": {"ENFORCED", "TRACKING"}}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if the declared status is no known word."""
    if contract.status is None or contract.kind == "kaizen" or rung(contract.status):
        return
    if contract.status.upper() in _OF_KINDS.get(contract.kind, ()):
        return
    data = contract.document.data
    path = ("status",) if "status" in data else ("metadata", "status")
    if not isinstance(data["status"] if "status" in data else contract.metadata["status"], str):
        return  # no text at all, which PV103 says
    fix = did_you_mean(contract.status.upper(), STATUS_WORDS) or f"one of {', '.join(Effective)}"
    yield Problem(contract.document.value_span(*path), f"unknown status {contract.status!r}", fix)
