"""An equation without a domain (PV230).

A formula holds somewhere: for finite inputs, for sizes that divide, for positive numbers. Where nobody wrote down where, a falsifier
either tries inputs for which nothing was promised, or leaves out those that matter.

Bad:

    equations:
      f: {formula: "f(x) = x / sum(x)"}

Good:

    equations:
      f: {formula: "f(x) = x / sum(x)", domain: "x in R^n, n >= 1, sum(x) > 0"}

Not flagged: an equation that says where it holds under `preconditions` or `assumes`; one without a formula, which is PV204.

Upstream: PV-AUD-004.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV230"
SEVERITY = Severity.WARNING

_SAYS_WHERE = ("domain", "preconditions", "assumes")


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each equation that has a formula and does not say where it holds."""
    for equation in contract.equations.values():
        data = equation.data if isinstance(equation.data, dict) else {}
        if equation.formula.strip() and not any(
            not is_blank(data.get(name)) and data[name] != [] for name in _SAYS_WHERE
        ):
            message = f"equation {equation.name!r} does not say where it holds"
            yield Problem(equation.span, message, "add domain: the inputs for which it is meant")
