"""A kaizen status outside the five words (PV512).

How far an improvement has come is said with one word: draft, planned, pending, implementing or implemented.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: done
    invariants: ["the buffer is never allocated again"]

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: implemented
    baseline: {alloc_per_step: 3, step_time: "12.5 ms"}
    target: {alloc_per_step: 0, step_time: "11.9 ms"}

Upstream: KAIZEN-002.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._kaizen import STATUSES, is_kaizen
from pv.rules._problem import Problem, is_blank
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.load import Document
    from pv.parse import Contract

CODE = "PV512"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield what `check_record` finds in a contract of the kind."""
    if is_kaizen(contract):
        yield from check_record(contract.document)


def check_record(document: Document) -> Iterator[Problem]:
    """Yield one problem if the record has no status, or one that is none of the five words."""
    value = document.data.get("status")
    if is_blank(value):
        span = document.value_span("status") if "status" in document.data else document.key_span("contract")
        yield Problem(span, "the kaizen record has no status", f"one of {', '.join(STATUSES)}")
    elif value not in STATUSES:
        shown = "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else repr(value)
        fix = did_you_mean(str(value).lower(), STATUSES) if isinstance(value, str) else None
        what = f"{shown} is no status of a kaizen record"
        yield Problem(document.value_span("status"), what, fix or f"one of {', '.join(STATUSES)}")
