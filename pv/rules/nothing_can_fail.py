"""Nothing that could fail (PV210).

A contract without claims is green for ever. For kinds that carry data rather than claims it is a warning.

Bad:

    falsification_tests: []

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q}

Upstream: PROVABILITY-001 (its first half).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.parse import CLAIMS
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV210"
SEVERITY = Severity.ERROR


_DEMANDED = {"kernel", "competitive-parity"}
_LEGACY = ("falsification", "falsification_conditions", "invariants")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if the contract makes no claim."""
    if contract.claims:
        return
    legacy = [name for name in _LEGACY if contract.document.data.get(name)]
    fix = f"what stands under {', '.join(legacy)} is not run; " if legacy else ""
    yield Problem(
        contract.document.key_span(CLAIMS),
        "nothing that could fail: the contract has no claims",
        fix + f"write claims under {CLAIMS}",
        None if contract.kind in _DEMANDED else Severity.WARNING,
    )
