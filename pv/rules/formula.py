"""An equation without a formula (PV204).

A name alone states nothing. Contracts of other kinds than kernel may list names, and say what they mean elsewhere.

Bad:

    equations:
      f: {formula: ""}

Good:

    equations:
      f: {formula: "f(x) = x", domain: x is a vector}

Upstream: SCHEMA-004, PV-VAL-004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._kinds import by_default
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
    fix = by_default(contract)
    for equation in contract.equations.values():
        given = equation.data.get("formula") if isinstance(equation.data, dict) else None
        if is_blank(equation.formula) and not isinstance(given, (dict, list)):  # of these PV103 speaks
            yield Problem(equation.span, f"equation {equation.name!r} has no formula", fix)
            fix = None
