"""A kernel that is held against itself (PV245).

`formal` of an equation says what is right. If it reads `y`, what the kernel gave, or if the expression that `y` is held against is
the very call of the kernel, every kernel passes, a wrong one as well.

Bad:

    equations:
      f: {formula: "y = 2 x", formal: f(x), domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: equivalence, property: y is twice x, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Good:

    equations:
      f: {formula: "y = 2 x", formal: 2 * x, domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: equivalence, property: y is twice x, applies_to: f}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Not flagged: the kernel called with other arguments, `f(-x)`, which relates two of its results.

Upstream: none.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from pv.formal.language import FormalError, parse
from pv.formal.property import is_executable
from pv.rules._formal import about, executed, reads_the_result
from pv.rules._obligations import BLOCK
from pv.rules._problem import Problem, entries
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.formal.language import Expression
    from pv.parse import Contract

CODE = "PV245"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each equation and each equivalence whose judge is what it judges."""
    found = executed(contract)
    block = contract.document.data.get("equations")
    for name, equation in contract.equations.items():
        if not is_executable(equation.data) or not isinstance(block, dict):  # of a list PV243 speaks
            continue
        span = contract.document.value_span("equations", name, "formal")
        if reads_the_result(contract, name):
            message = f"'formal' of equation {name!r} reads y, which is what it is to judge"
            yield Problem(span, message, "say it by the inputs; what is true of y is an obligation")
        elif name in found.equations and _is_call(found.equations[name].formal, found.equations[name].kernel):
            message = f"'formal' of equation {name!r} is the kernel itself, so that any kernel passes"
            yield Problem(span, message, "say it by operations and functions of the language")
    for index, entry in entries(contract, BLOCK):
        name_of, value = about(contract, entry), entry.get("to")
        if name_of is None or name_of not in found.equations or value is None:
            continue
        to = _read(value)
        if _is_call(to, found.equations[name_of].kernel) or (to is not None and to.text.strip() == "y"):
            span = contract.document.value_span(BLOCK, index, "to")
            message = f"proof obligation {index + 1} holds y against itself, so that any kernel passes"
            yield Problem(span, message, "name what is right under 'to', or another subject under 'oracle'")


def _read(value: Any) -> Expression | None:
    try:
        return None if value is None else parse(value)
    except FormalError:  # PV242 says what is wrong with it
        return None


def _is_call(expression: Expression | None, kernel: Expression) -> bool:
    return expression is not None and ast.dump(expression.tree) == ast.dump(kernel.tree)
