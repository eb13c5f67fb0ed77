"""A history that does not lead to the status (PV303).

The newest transition in `status_history` must end at the status that the contract declares; otherwise one of the two
was edited alone. Entries without `to` are notes. Newest is the latest date; among equal dates the last in a file that
runs forward, the first in one that runs backward. `active` and `ACTIVE` are one word.

Bad:

    status: ACTIVE_RUNTIME
    status_history:
      - {date: "2026-01-02", from: PROPOSED, to: PARTIAL_ALGORITHM_LEVEL}

Good:

    status: PARTIAL_ALGORITHM_LEVEL
    status_history:
      - {date: "2026-01-02", from: PROPOSED, to: PARTIAL_ALGORITHM_LEVEL, evidence: [4f1d0c52a3b96e78]}

Upstream: none; no rule there reads a history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.history.transitions import BLOCK, newest
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV303"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if the newest transition ends elsewhere than at the declared status."""
    last = newest(contract)
    if last and contract.status is not None and last.target.upper() != contract.status.strip().upper():
        yield Problem(
            contract.document.value_span(BLOCK, last.index, "to"),
            f"the newest transition ends at {last.target!r}, but the status is {contract.status!r}",
            "record the missing transition, or correct the status",
        )
