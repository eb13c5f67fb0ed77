"""Equations without a Lean theorem (PV234).

`lean_theorem` names the theorem that proves an equation. Hardly any contract has one and none is checked here, so this is a note, one for
the file; `[tool.pv.validate] severity` can raise it.

Bad:

    equations:
      f: {formula: "f(x) = x", domain: x is a vector}

Good:

    equations:
      f: {formula: "f(x) = x", domain: x is a vector, lean_theorem: Identity.unit}

Not flagged: contracts whose obligations carry a `lean` block.

Upstream: PV-ENF-002, a warning for each equation, and PV-PRV-004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._kinds import equations_without, listed
from pv.rules._obligations import BLOCK
from pv.rules._problem import Problem, entries
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV234"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if equations of a kernel name no theorem, and no obligation does."""
    if contract.kind != "kernel" or any(entry.get("lean") for _, entry in entries(contract, BLOCK)):
        return
    without = equations_without(contract, "lean_theorem")
    if without:
        yield Problem(contract.document.key_span("equations"), f"without lean_theorem: {listed(without)}")
