"""A kaizen record without a difference (PV515).

At least one metric that both sides share must be a quantity on both, and differ. A quantity is a number, or text with one and a
unit: `6 ms`, `100%`, `<5`, `1000+`, `1_310_720`, `2 GiB`. Times and sizes in different units are compared as what they are.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: implemented
    baseline: {approach: allocate each time}
    target: {approach: keep the buffer}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: implemented
    baseline: {alloc_per_step: 3, step_time: "12.5 ms"}
    target: {alloc_per_step: 0, step_time: "11.9 ms"}

Not flagged: metrics that rise, metrics that move both ways. An improvement may be bought with a cost, and a smaller batch with more
steps is one change in two figures; PV516 says what is left of such a rule.

Upstream: KAIZEN-005; units are not compared there.
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

CODE = "PV515"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield what `check_record` finds in a contract of the kind."""
    if is_kaizen(contract):
        yield from check_record(contract.document)


def check_record(document: Document) -> Iterator[Problem]:
    """Yield one problem if no shared metric is a quantity on both sides, or if none of those differs."""
    sides = pair(document)
    if not sides or not sides.shared:
        return  # that is another rule's
    found = metrics(document)
    span = document.key_span(*sides.after_at)
    if not found:
        names = ", ".join(map(repr, sides.shared[:5]))
        yield Problem(
            span, f"no metric is a quantity on both sides: {names}", "give numbers, with units where they need one"
        )
    elif all(one.before == one.after for one in found):
        names = ", ".join(repr(one.name) for one in found[:5])
        yield Problem(span, f"nothing changed: {names}", "a record of no difference records no improvement")
