"""A target without anything to compare it with (PV514).

`target` says what was reached, metric by metric; `baseline` says what was measured before, of the same metrics. Without one they
share, nothing says that anything got better.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: implemented
    baseline: {alloc_per_step: 3}
    target: {latency_ms: 4}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: implemented
    baseline: {alloc_per_step: 3, step_time: "12.5 ms"}
    target: {alloc_per_step: 0, step_time: "11.9 ms"}

Upstream: KAIZEN-004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._kaizen import is_kaizen, pair
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.load import Document
    from pv.parse import Contract

CODE = "PV514"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield what `check_record` finds in a contract of the kind."""
    if is_kaizen(contract):
        yield from check_record(contract.document)


def check_record(document: Document) -> Iterator[Problem]:
    """Yield one problem if one of the two sides is no mapping, or if they share no metric."""
    baseline, target = document.data.get("baseline"), document.data.get("target")
    if target is not None and not isinstance(target, dict):
        span = document.value_span("target")
        yield Problem(span, "a target maps metrics to values", "give the metrics that 'baseline' has")
    elif target is not None and not isinstance(baseline, dict):
        span = document.value_span("baseline") if "baseline" in document.data else document.key_span("target")
        yield Problem(span, "a target without a baseline of the same metrics", "say what was measured before")
    else:
        sides = pair(document)
        if sides and not sides.shared:
            span = document.key_span(*sides.after_at)
            names = " and ".join(repr(at[-1]) for at in (sides.before_at, sides.after_at))
            yield Problem(span, f"{names} share no metric", "measure the same before and after")
