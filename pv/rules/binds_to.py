"""A claim bound to an equation that is not there (PV301).

`binds_to` names the equation that a claim is about; its formula is part of the claim's fingerprint.

Bad:

    equations:
      softmax: {formula: "f"}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, binds_to: softmx}

Good:

    equations:
      softmax: {formula: "f"}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, binds_to: softmax}

Upstream: none; no rule there reads `binds_to`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV301"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim whose `binds_to` names no equation of the contract."""
    for claim in contract.claims:
        name = claim.data.get("binds_to")
        if isinstance(name, str) and claim.equation is None:
            span = contract.document.value_span(*claim.at, "binds_to")
            known = ", ".join(contract.equations) or "none"
            fix = did_you_mean(name, contract.equations) or f"the equations are: {known}"
            yield Problem(span, f"claim {claim.id!r} binds to {name!r}, which is no equation here", fix)
