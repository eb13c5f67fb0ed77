"""Fewer claims than obligations (PV225).

With fewer claims than obligations, at least one obligation is tried by nobody. It is asked of kernels and of competitive parity, where
no claim says which obligations it tests; where claims do, under `obligation`, PV227 and PV228 name the ones left over.

Bad:

    proof_obligations:
      - {type: bound, property: no entry is negative}
      - {type: invariant, property: the sum is 1}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}

Good:

    proof_obligations:
      - {type: bound, property: no entry is negative}
      - {type: invariant, property: the sum is 1}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
      - {id: FALSIFY-A-002, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}

Not flagged: obligations that are set aside (`applies_to: not_applicable`), or that name what discharges them (`discharged_by`).

Upstream: PROVABILITY-001, an error. Here a warning: one claim can test two obligations, and should say so (PV336 then asks whether it
does).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.parse import CLAIMS
from pv.rules._kinds import PROVABLE
from pv.rules._obligations import BLOCK, is_open, tested
from pv.rules._problem import Problem, entries
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV225"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if claims are fewer than obligations, and none says which it tests."""
    if contract.kind not in PROVABLE or not contract.claims or tested(contract) is not None:
        return
    open_ones = sum(is_open(entry) for _, entry in entries(contract, BLOCK))
    if len(contract.claims) < open_ones:
        message = f"{open_ones} proof obligations, and {len(contract.claims)} to try them: {CLAIMS} is shorter"
        fix = "add the claims that are missing, or say under `obligation` which ones a claim tests"
        yield Problem(contract.document.key_span(contract.claims[0].block), message, fix)
