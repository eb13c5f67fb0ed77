"""A validity that is no span of time (PV321).

`valid_for`, of a contract or of one claim, says for how long evidence counts; what is older is stale. Hours, days and weeks
are written `12h`, `30d`, `2w`, or as ISO 8601 has them (`P30D`, `PT12H`). Months and years differ in length and are not taken.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], valid_for: 1 month}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], valid_for: 30d}

Upstream: none; evidence does not age there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.durations import duration
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV321"
SEVERITY = Severity.ERROR

KEY = "valid_for"
_FIX = "write 12h, 30d or 2w, or a duration such as P30D; months and years differ in length"


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each `valid_for` that is text and no span of time."""
    document = contract.document
    if _is_wrong(document.data.get(KEY)):
        yield Problem(document.value_span(KEY), f"evidence cannot be valid for {document.data[KEY]!r}", _FIX)
    for claim in contract.claims:
        if _is_wrong(claim.data.get(KEY)):
            span = document.value_span(*claim.at, KEY)
            yield Problem(span, f"evidence for claim {claim.id!r} cannot be valid for {claim.data[KEY]!r}", _FIX)


def _is_wrong(value: object) -> bool:
    return isinstance(value, str) and duration(value) is None
