"""A claim that names no mutant, beside others that do (PV211).

A falsifier that cannot fail looks like one that finds nothing. What shows the difference is a planted fault, a mutant, that it
refutes where it was planted. A claim that names none is *vacuous*: its falsifier may run, but whatever it says, the claim is
not discharged and the contract cannot rise. A claim is vacuous as well if its falsifier kills none of the mutants named;
`pv mutants` shows which. Contracts that name no mutants at all are not warned about; `pv status` says it of each claim.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: rope-theta, stage: q_rope, layer: 0}]}
      - {id: FALSIFY-A-002, prediction: p, if_fails: q}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: rope-theta, stage: q_rope, layer: 0}]}
      - {id: FALSIFY-A-002, prediction: p, if_fails: q, mutants: [{id: epsilon, stage: attn_norm}]}

Upstream: none; there are no mutants there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV211"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim without mutants, if another has some."""
    if not any(claim.mutants for claim in contract.claims):
        return
    for claim in contract.claims:
        if not claim.mutants:
            message = f"{claim.id!r} names no mutant: nothing shows that its falsifier can fail"
            yield Problem(
                claim.span, message, "name a fault that it must refute, and where: mutants: [{id: …, stage: …}]"
            )
