"""A claim without a suspect (PV209).

When a claim is refuted, `if_fails` is the first thing its reader sees: what to suspect. The older blocks of claims have no such
field and are not asked for it.

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

from pv.parse import CLAIMS
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
        key = claim.key("if_fails")
        given = isinstance(claim.data.get(key), (dict, list))  # of these PV103 speaks
        if claim.block == CLAIMS and is_blank(claim.if_fails) and not given:
            yield Problem(contract.document.key_span(*claim.at, key), f"claim {claim.id!r} names no suspect (if_fails)")
