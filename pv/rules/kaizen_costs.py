"""A kaizen record written the wrong way round (PV516).

Some names speak of a cost: alloc, bytes, churn, launch, overhead, sync, wasted, _us, _ms. Where at least one such metric rises and
none falls, `baseline` and `target` have most probably changed places. It is a warning, because names are all there is to go by.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: implemented
    baseline: {alloc_per_step: 0, heap_bytes: 0}
    target: {alloc_per_step: 3, heap_bytes: 0}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: implemented
    baseline: {alloc_per_step: 3, step_time: "12.5 ms"}
    target: {alloc_per_step: 0, step_time: "11.9 ms"}

Not flagged: "all metrics must fall" and "all must move one way" are both false of real records. One raises the transfers of a block
from 0 to 9 to win back a check; one lowers the batch from 4 to 1 and raises the steps from 1 to 4. A cost that rises beside
one that falls is a trade.

Upstream: KAIZEN-006, an error there; it also takes `_mse`, `async` and `prealloc` for costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._kaizen import is_kaizen, metrics, pair
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.load import Document
    from pv.parse import Contract

CODE = "PV516"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield what `check_record` finds in a contract of the kind."""
    if is_kaizen(contract):
        yield from check_record(contract.document)


def check_record(document: Document) -> Iterator[Problem]:
    """Yield one problem if costs rise and none falls."""
    sides = pair(document)
    costs = [one for one in metrics(document) if one.is_cost]
    rising = [one for one in costs if one.after > one.before]
    if sides and rising and not any(one.after < one.before for one in costs):
        span = document.value_span(*sides.after_at, *rising[0].path)
        message = f"every cost holds or rises: {', '.join(repr(one.name) for one in rising[:5])}"
        yield Problem(span, message, "have before and after changed places?")
