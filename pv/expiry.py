"""Evidence that counts for a while only: when a row stops to count, and rows whose time says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pv.durations import duration, in_words
from pv.judge import Word
from pv.remark import Remark, Topic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.parse import Claim

# How far clocks of machines that share a ledger may be apart before a start in the future is believed to be a wrong one.
SKEW = timedelta(minutes=10)
_NEARLY_OVER = 5  # EXPIRING is said once less than a fifth of the time is left
# These say that nothing is known; that does not expire, or a run that broke off would uncover older evidence.
_SAY_NOTHING = frozenset({Word.INCONCLUSIVE, Word.ERROR})


def expires_at(row: Mapping[str, Any], claim: Claim) -> datetime | None:
    """When a row stops to count; None where its claim sets no time, the row says nothing, or its time cannot be used."""
    span, started = _valid_for(claim), started_of(row)
    if span is None or started is None or row.get("verdict") in _SAY_NOTHING:
        return None
    try:
        return started + span
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def untimely(row: Mapping[str, Any], claim: Claim, now: datetime) -> str:
    """Why a row counts no more, or not yet, by its time alone; empty if its claim sets no time, or it is within it."""
    if claim.valid_for is None or row.get("verdict") in _SAY_NOTHING:
        return ""
    span, started = _valid_for(claim), started_of(row)
    if span is None:
        return f"valid for {claim.valid_for!r}, which is no span of time"
    if started is None:
        return f"valid for {in_words(span)}, and it does not say when it was seen"
    if started - now > SKEW:
        return f"seen {in_words(started - now)} in the future: a clock is wrong"
    return f"expired: valid for {in_words(span)}, seen {in_words(now - started)} ago" if now - started > span else ""


def hides_older(row: Mapping[str, Any], claim: Claim, now: datetime) -> bool:
    """Whether rows before this one must not count in its place: it is newer than they are, only its time is wrong."""
    return row.get("fingerprint") == claim.fingerprint and bool(untimely(row, claim, now))


def expiring(claim: Claim, expires: datetime | None, now: datetime) -> Remark | None:
    """What to say of a claim whose evidence stops to count at `expires`, once less than a fifth of its time is left."""
    span = _valid_for(claim)
    if span is None or expires is None or (expires - now) * _NEARLY_OVER >= span:
        return None
    left = in_words(max(expires - now, timedelta()))
    return Remark(
        Topic.EXPIRING,
        f"its evidence, valid for {in_words(span)}, expires in {left}",
        claim=claim.id,
        span=claim.span,
        help=f"run it again: pytest '{claim.path}::{claim.id}'",
    )


def _valid_for(claim: Claim) -> timedelta | None:
    return None if claim.valid_for is None else duration(claim.valid_for)


def started_of(row: Mapping[str, Any]) -> datetime | None:
    """When a row's run began, in UTC; None where it does not say so, or not in which time zone."""
    written = row.get("started")
    try:
        started = datetime.fromisoformat(written) if isinstance(written, str) else None
        return None if started is None or started.utcoffset() is None else started.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
