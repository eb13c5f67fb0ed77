"""A kernel that is held against itself, or against nothing (PV245).

`formal` of an equation says what is right. If it reads `y`, what the kernel gave, or if the expression that `y` is held against is
the very call of the kernel, every kernel passes, a wrong one as well. So it does where the `formal` of an obligation, or the way back
(`through`), neither reads `y` nor calls a kernel.

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

from pv.formal.functions import FUNCTIONS
from pv.formal.language import FormalError, parse
from pv.formal.property import is_executable
from pv.rules._formal import about, executed, reads_the_result
from pv.rules._obligations import BLOCK
from pv.rules._problem import Problem, entries
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.formal.language import Expression
    from pv.parse import Contract
    from pv.rules._formal import Executed

CODE = "PV245"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each equation whose judge is what it judges, and each obligation that any kernel fulfils."""
    found = executed(contract)
    yield from _equations(contract, found)
    for index, one in found.properties.items():
        for key in ("formal", "through"):
            if key in one.expressions and not _asks(one.expressions[key], dict(one.let)):
                span = contract.document.value_span(BLOCK, index, key)
                message = f"proof obligation {index + 1}: {key!r} neither reads y nor calls a kernel, so that any kernel passes"
                yield Problem(span, message, "say what is true of y")
    for index, entry in entries(contract, BLOCK):
        name, to = about(contract, entry), _read(entry.get("to"))
        if name is None or name not in found.equations or to is None:
            continue
        if _is_call(to, found.equations[name].kernel) or to.text.strip() == "y":
            span = contract.document.value_span(BLOCK, index, "to")
            message = f"proof obligation {index + 1} holds y against itself, so that any kernel passes"
            yield Problem(span, message, "name what is right under 'to', or another subject under 'oracle'")


def _equations(contract: Contract, found: Executed) -> Iterator[Problem]:
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


def _asks(expression: Expression, parts: Mapping[str, Expression]) -> bool:
    """Whether an expression, or a part that it names, has to do with what a kernel gives."""
    if "y" in expression.names or expression.calls - set(FUNCTIONS):
        return True
    return any(_asks(parts[name], parts) for name in expression.names & set(parts))


def _read(value: Any) -> Expression | None:
    try:
        return None if value is None else parse(value)
    except FormalError:  # PV242 says what is wrong with it
        return None


def _is_call(expression: Expression | None, kernel: Expression) -> bool:
    return expression is not None and ast.dump(expression.tree) == ast.dump(kernel.tree)
