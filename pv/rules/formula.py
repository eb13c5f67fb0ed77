"""An equation without a formula (PV204).

A name alone states nothing.

Bad:

    equations:
      f: {formula: ""}

Good:

    equations:
      f: {formula: "f(x) = x"}

Upstream: SCHEMA-004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV204"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each equation of a kernel whose formula is empty."""
    if contract.kind != "kernel":
        return
    for equation in contract.equations.values():
        if is_blank(equation.formula):
            yield Problem(equation.span, f"equation {equation.name!r} has no formula")
