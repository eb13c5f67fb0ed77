"""A claim without a suspect (PV209).

When a claim is refuted, `if_fails` is the first thing its reader sees: what to suspect.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: "the maximum is not subtracted"}

Upstream: SCHEMA-009.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV209"
SEVERITY = Severity.WARNING


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim whose `if_fails` (or `fails_if`, the other spelling) is empty."""
    for claim in contract.claims:
        if is_blank(claim.data.get("if_fails", claim.data.get("fails_if"))):
            span = contract.document.key_span(*claim.at, "if_fails")
            yield Problem(span, f"claim {claim.id!r} names no suspect (if_fails)")
