"""A date that has passed (PV323).

`due`, `recheck_by`, `review_by`, `valid_until`, `expires`, `target_date` and `deadline` promise something until a day. After that day
either it was done, and the date should go, or it was not, and somebody should know. Something beside it that says it is done
(`status: DONE`) is enough.

Bad:

    enforcement:
      review: {description: d, notes: {owner: me, review_by: "2020-01-02"}}

Good:

    enforcement:
      review: {description: d, notes: {owner: me, review_by: "2020-01-02", status: DONE}}

Not flagged: `until` of a `pending` condition, whose end `pv status` tells; rows of `competitive-parity`, which have rules of their own.

Upstream: PARITY-018, for one kind of contract.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pv.rules import _today
from pv.rules._claim_words import is_done
from pv.rules._dates import DUE, written
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV323"
SEVERITY = Severity.WARNING
SLACK = timedelta(days=1)  # somewhere it is yesterday still


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each date of something promised that has passed, unless it is said to be done."""
    if contract.kind == "competitive-parity":
        return
    earliest = _today.today() - SLACK
    for one in written(contract.document):
        if one.key in DUE and one.day is not None and one.day < earliest:
            beside = one.owner if isinstance(one.owner, dict) else {}
            if not any(is_done(beside.get(key)) for key in ("status", "state", "done", "result", "discharge_status")):
                fix = "say that it is done (status: DONE), or give a new date"
                yield Problem(one.span, f"{one.key} {one.text} has passed", fix)
