"""A history whose dates do not run one way (PV311).

The entries of `status_history` stand in the order of their dates, the oldest first or the newest first. A date is a day,
`YYYY-MM-DD`, or a time with its zone as in RFC 3339, `2026-01-02T15:04:05Z`; what cannot be read as one is found as well. A new
entry goes to the end where the file is appended to, so that nobody slips one in between.

Bad:

    status: PROPOSED
    status_history:
      - {date: "2026-03-02", from: NEW, to: PROPOSED}
      - {date: "2026-01-02", note: a draft}
      - {date: "2026-04-02", note: reviewed}

Good:

    status: PROPOSED
    status_history:
      - {date: "2026-01-02", note: a draft}
      - {date: "2026-03-02", from: NEW, to: PROPOSED}
      - {date: "2026-04-02T15:04:05+02:00", note: reviewed}

Upstream: none; no rule there reads a history.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pv.history.transitions import BLOCK, is_before, runs_backward, transitions
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV311"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each date that cannot be read, and each entry that stands on the wrong side of its neighbour."""
    entries = transitions(contract)
    for entry in entries:
        if entry.date and entry.starts is None:
            span = contract.document.value_span(BLOCK, entry.index, "date")
            fix = "a day as in 2026-01-02, or a time with its zone as in 2026-01-02T15:04:05Z"
            yield Problem(span, f"{entry.date!r} is no date", fix)
    backward = runs_backward(entries)
    way = "newest first" if backward else "oldest first"
    for above, below in itertools.pairwise(entry for entry in entries if entry.starts):
        if is_before(above, below) if backward else is_before(below, above):
            span = contract.document.value_span(BLOCK, below.index, "date")
            message = f"{below.date} stands below {above.date} in a history that runs {way}"
            yield Problem(span, message, "put a new entry where its date belongs, and give it the date of its writing")
