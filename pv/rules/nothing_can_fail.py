"""Something to prove, and nothing that could fail (PV210).

A contract with equations, obligations, harnesses or type invariants and without a claim is inert: it is green for ever, whatever becomes of
the program. Entries that are not read as claims don't help: those of a `falsification` block, and those of `falsification_conditions`
and `invariants` that have no id. Kernels and competitive parity are asked for claims even where they have nothing else; for
other kinds being inert is a warning.

Bad:

    falsification_tests: []

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}

Not flagged: a catalogue, which is a contract of another kind with data in it and nothing to prove; a kaizen record, whose `invariants`
and measurements are what can contradict it (PV513).

Upstream: PROVABILITY-001 (no falsification tests), PV-PRV-002, AUDIT-001, PV-AUD-001, and what `inert` there counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.parse import CLAIM_BLOCKS, CLAIMS
from pv.rules._kinds import PROVABLE, by_default
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV210"
SEVERITY = Severity.ERROR

_TO_PROVE = ("equations", "proof_obligations", "kani_harnesses", "type_invariants")
_OF_A_RECORD = ("kaizen", "invariants")  # texts, which PV513 counts among what can contradict the record
_LEGACY = "falsification"  # its entries were meant to be claims


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if the contract makes no claim, and has something to prove or is of a kind that must."""
    if contract.claims:
        return
    data = contract.document.data
    proving = [name for name in _TO_PROVE if data.get(name)]
    unread = [name for name in (_LEGACY, *CLAIM_BLOCKS) if data.get(name) and (contract.kind, name) != _OF_A_RECORD]
    if not proving and not unread and contract.kind not in PROVABLE:
        return
    hints = [
        f"what stands under {', '.join(unread)} is no claim, so it is never run" if unread else "",
        f"write claims under {CLAIMS}",
        by_default(contract) or "",
    ]
    yield Problem(
        contract.document.key_span(CLAIMS),
        f"nothing that could fail: no claims{' about ' + ', '.join(proving) if proving else ''}",
        "; ".join(hint for hint in hints if hint),
        None if contract.kind in PROVABLE else Severity.WARNING,
    )
