"""A claim without a prediction (PV208).

What nothing predicts nothing can refute.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: "", if_fails: q}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: "the sum is 1", if_fails: q}

Upstream: SCHEMA-008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV208"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim whose prediction (or `expected`, the other spelling) is empty."""
    for claim in contract.claims:
        if is_blank(claim.data.get("prediction", claim.data.get("expected"))):
            span = contract.document.key_span(*claim.at, "prediction")
            yield Problem(span, f"claim {claim.id!r} predicts nothing")
