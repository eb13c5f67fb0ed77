"""What a claim says of its own state: the words found in real contracts, and what they amount to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.pattern import lazy
from pv.words import STATUS_WORDS, Effective, rung

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Claim

FIELDS = ("status", "discharge_status", "result")
OPEN = frozenset(
    (
        "OPEN",
        "PLANNED",
        "TODO",
        "BLOCKED",
        "HARD_BLOCKING",
        "UNBLOCKED",
        "NOT_IMPLEMENTED",
        "NOT_STARTED",
        "IN_PROGRESS",
        "IN_REVIEW",
        "MISSING",
        "STUB",
        "NONE",
        "PENDING",
        "DEFERRED",
        "DRAFT",
        "NEW",
        "PROPOSED",
        "UNVERIFIED",
        "UNMEASURED",
    )
)
FAILED = frozenset(["FAIL", "FAILED", "FAILS", "FALSIFIED", "REFUTED", "WORSE", "BROKEN"])
PARTLY = frozenset(["PARTIAL", "MARGINAL", "FLAKY"])
DONE = frozenset(
    (
        "IMPLEMENTED",
        "PASS",
        "PASSED",
        "PASSES",
        "VERIFIED",
        "DISCHARGED",
        "SHIPPED",
        "DONE",
        "COMPLETE",
        "COMPLETED",
        "CLOSED",
        *("MET", "PROVED", "PROVEN", "CONFIRMED", "GREEN", "RESOLVED", "BETTER", "PARITY", "SUPPORTED", "MEASURED"),
    )
)
BESIDE = frozenset(["SUPERSEDED", "WITHDRAWN", "RETIRED", "DEPRECATED", "NOT_APPLICABLE", "SKIPPED"])
KNOWN = frozenset([*OPEN, *FAILED, *PARTLY, *DONE, *BESIDE, *STATUS_WORDS])

_WORD = lazy(r"[A-Za-z][A-Za-z_-]*(?:_[A-Za-z]\d+)?")
_MILESTONE = lazy(r"_M\d+$|_[A-Z]$")


def word_of(value: Any) -> str:
    """The word that a state begins with, without the prose and the milestone behind it; empty if there is none."""
    found = _WORD.match(value.strip()) if isinstance(value, str) else None
    if found is None:
        return ""
    word = found[0].upper().replace("-", "_").strip("_")
    return _MILESTONE.sub("", word)


def is_done(value: Any) -> bool:
    """Whether a state says that there is nothing left to do."""
    word = word_of(value)
    return value is True or word in DONE or word in BESIDE or rung(word) is Effective.ACTIVE_RUNTIME


def said(claim: Claim) -> Iterator[tuple[str, str]]:
    """The fields in which a claim tells its state, each with its word."""
    for field in FIELDS:
        word = word_of(claim.data.get(field))
        if word:
            yield field, word
