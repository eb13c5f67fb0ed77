"""A kaizen record that nothing can contradict (PV513).

A record must state something that a later measurement could contradict: figures before and after (`baseline` and `target`, or
`before` and `after` below `baseline`), `invariants` that survived the change, obligations, or tests. Otherwise it is an opinion.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: draft
    invariants: []
    proof_obligations: []
    falsification_tests: []

Good:

    metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}
    contract: C-STAGING-001
    kaizen: KAIZEN-061
    status: implemented
    baseline: {alloc_per_step: 3, step_time: "12.5 ms"}
    target: {alloc_per_step: 0, step_time: "11.9 ms"}

Upstream: KAIZEN-003.
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

CODE = "PV513"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield what `check_record` finds in a contract of the kind."""
    if is_kaizen(contract):
        yield from check_record(contract.document)


_STATING = ("invariants", "proof_obligations", "falsification_tests")


def check_record(document: Document) -> Iterator[Problem]:
    """Yield one problem if the record states nothing; a `target` alone is for PV514 to judge."""
    data = document.data
    if pair(document) is None and not any(data.get(name) for name in _STATING) and data.get("target") is None:
        fix = "give what was measured before and after, as 'baseline' and 'target', or the 'invariants' that it keeps"
        yield Problem(document.key_span("contract"), "a kaizen record that nothing can contradict", fix)
