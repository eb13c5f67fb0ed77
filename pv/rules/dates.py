"""A date that does not exist, or is still to come (PV322).

`created`, `updated`, `last_modified`, `date`, `measured_on` and the like say when something happened, in whatever block they stand. A
day that the calendar does not have, or that has not come yet, tells nobody anything, and evidence dated ahead never grows old.
A day counts as begun as soon as it has begun anywhere on earth.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], created: "2026-02-30"}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], created: "2026-02-28"}

Not flagged: text that is no date at all (`date: spring`) below other blocks than `metadata`, where `date` may be a word of the
subject; blocks of one's own (`x-…`); entries of `status_history`, for which PV311 and PV314 speak.

Upstream: PARITY-007, PARITY-016 and PARITY-017, for one kind of contract.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pv.rules import _today
from pv.rules._dates import PAST, Written, has_shape, written
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV322"
SEVERITY = Severity.ERROR
SLACK = timedelta(days=1)  # somewhere it is tomorrow already
DEPTH = 3  # of the date of an entry of a block


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each date of the past that is none, or lies ahead."""
    document = contract.document
    latest = _today.today() + SLACK
    for one in written(document):
        if (one.path[0] == "status_history" and len(one.path) == DEPTH) or _is_for_others(contract, one):
            continue
        day = one.day
        if day is None:
            yield Problem(one.span, f"{one.text!r} is no date: {one.key}", "write a day as in 2026-01-02")
        elif one.key in PAST and day > latest:
            yield Problem(one.span, f"{one.text} is still to come: {one.key}", "give the date on which it happened")
    for key in ("created", "updated", "last_modified"):
        value = contract.metadata.get(key)
        if isinstance(value, str) and value.strip() and not has_shape(value):
            span = document.value_span("metadata", key)
            yield Problem(span, f"{value!r} is no date: {key}", "write a day as in 2026-01-02", Severity.WARNING)


def _is_for_others(contract: Contract, one: Written) -> bool:
    """Whether rules of this kind of contract look at the date: the rows of a ledger of competitors."""
    return contract.kind == "competitive-parity" and one.key in {
        "measured_on",
        "recorded_on",
        "valid_until",
        "recheck_by",
    }
