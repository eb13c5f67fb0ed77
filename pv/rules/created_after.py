"""Changed before it was made (PV324).

`metadata.updated` and `metadata.last_modified` cannot lie before `metadata.created`. One of them was copied from another file.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], created: "2026-03-01", updated: "2026-01-02"}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], created: "2026-01-02", updated: "2026-03-01"}

Upstream: none; no rule there compares dates of metadata.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._dates import day_of
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV324"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each date of a change that lies before the date of creation."""
    created = day_of(contract.metadata.get("created"))
    for key in ("updated", "last_updated", "modified", "last_modified") if created else ():
        day = day_of(contract.metadata.get(key))
        if day and created and day < created:
            span = contract.document.value_span("metadata", key)
            yield Problem(
                span, f"{key} is {day}, before the contract was created ({created})", "correct one of the two"
            )
