"""A kaizen record without a name (PV511).

A kaizen record tells of one improvement: `contract` is the id by which others name it. Files with a `kaizen` and without `metadata`
are such records as well.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    kaizen: KAIZEN-061
    status: draft
    invariants: ["the buffer is never allocated again"]

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: implemented
    baseline: {alloc_per_step: 3, step_time: "12.5 ms"}
    target: {alloc_per_step: 0, step_time: "11.9 ms"}

Upstream: KAIZEN-001.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._kaizen import BLOCKS, is_kaizen
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.load import Document
    from pv.parse import Contract

CODE = "PV511"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield what `check_record` finds in a contract of the kind."""
    if is_kaizen(contract):
        yield from check_record(contract.document)


def check_record(document: Document) -> Iterator[Problem]:
    """Yield one problem if the record records nothing, or has no id."""
    data = document.data
    if not any(name in data for name in BLOCKS):
        span = document.value_span("metadata", "kind")
        yield Problem(span, "a kaizen record that records nothing", f"its blocks are {', '.join(BLOCKS)}")
    elif is_blank(data.get("contract")):
        span = document.value_span("contract") if "contract" in data else document.key_span("kaizen")
        yield Problem(span, "the kaizen record has no id", "give it as 'contract'")
    elif isinstance(data["contract"], (list, dict)):
        yield Problem(document.value_span("contract"), "the id of a kaizen record is text")
