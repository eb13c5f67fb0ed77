"""A claim id used twice (PV207).

Evidence is kept by contract and claim id; two claims of the same id would share it.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q}
      - {id: FALSIFY-A-001, prediction: r, if_fails: s}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q}
      - {id: FALSIFY-A-002, prediction: r, if_fails: s}

Upstream: SCHEMA-007.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV207"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim whose id an earlier claim of the file has."""
    first: dict[str, int] = {}
    for claim in contract.claims:
        if claim.id and claim.id in first:
            yield Problem(claim.span, f"claim id {claim.id!r} stands twice, first at line {first[claim.id]}")
        first.setdefault(claim.id, claim.span.line)
