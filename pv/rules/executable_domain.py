"""A domain that is a mapping and cannot be drawn from (PV241).

A domain that is a mapping is executable: sizes and inputs are drawn from it, and each claim is tried on them. It names a size as
`lo..hi`, a list of choices or a number, and an input as a mapping with `dtype`, `shape` (none for a scalar), and `range`, `values`
or `bits: any`. What is drawn may speak of what stands above it, and of sizes within its own mapping. The same holds for `forall` of
an obligation.

Bad:

    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: float32, shape: [n], range: [0, 1]}, n: 1..8}}
    proof_obligations:
      - {id: OBL-1, type: frame, property: x stays, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Good:

    equations:
      f: {formula: "y = 2 x", domain: {n: 1..8, x: {dtype: f32, shape: [n], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: frame, property: x stays, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Not flagged: a domain in words, which nobody executes.

Upstream: none; domains are prose there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._formal import DOMAINS, executed, told
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._problem import Problem

CODE = "PV241"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield the first thing in each domain, or `forall`, that cannot be drawn."""
    return (told(contract, fault) for fault in executed(contract).faults if fault.key in DOMAINS)
