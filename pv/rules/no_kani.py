"""A kernel contract without a kani harness (PV224).

A model checker proves up to a bound what claims only try. Most good contracts have no harness, and none is run here, so it is a note: a
wish, not a fault. `[tool.pv.validate] severity` can raise it.

Bad:

    kani_harnesses: []

Good:

    kani_harnesses:
      - {id: KANI-A-001, obligation: the sum is 1, bound: 8, strategy: stub_float}

Upstream: PROVABILITY-001 and PV-PRV-001, errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV224"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if a kernel has no kani harness."""
    if contract.kind == "kernel" and not contract.document.data.get("kani_harnesses"):
        yield Problem(
            contract.document.key_span("kani_harnesses"), "no kani harness proves an obligation up to a bound"
        )
