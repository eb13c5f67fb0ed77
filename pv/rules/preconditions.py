"""Equations without preconditions (PV233).

`preconditions` are what a caller must see to before it calls; code generators turn them into assertions. No rule here needs them beside
`domain`, so this is a note, one for the file; `[tool.pv.validate] severity` can raise it.

Bad:

    equations:
      f: {formula: "f(x) = x / sum(x)", domain: x is a vector}

Good:

    equations:
      f: {formula: "f(x) = x / sum(x)", domain: x is a vector, preconditions: ["sum(x) != 0"]}

Not flagged: an equation whose domain is a mapping, from which all its inputs are drawn.

Upstream: PV-ENF-001, a warning for each equation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.formal.property import is_executable
from pv.rules._kinds import equations_without, listed
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV233"
SEVERITY = Severity.NOTE


def check(contract: Contract) -> Iterator[Problem]:
    """Yield one problem if equations of a kernel state no preconditions."""
    found = equations_without(contract, "preconditions") if contract.kind == "kernel" else []
    without = [name for name in found if not is_executable(contract.equations[name].data)]
    if without:
        yield Problem(contract.document.key_span("equations"), f"without preconditions: {listed(without)}")
