"""A text that is not of the language, or speaks of something that is not there (PV242).

Where the domain of an equation is a mapping, its `formal`, `kernel`, `let` and `plot`, and of its obligations `formal`, `let`, `to`,
`tolerance`, `where`, `between` and `through`, are expressions: they are evaluated on what is drawn. They know the sizes and inputs of
the domain, the parts that `let` names, the functions of the language (docs/reference/contract-language.md) and the kernels of the
subject; those of an obligation also `y`, what the kernel gave. They are parsed, never executed as Python.

Bad:

    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: invariant, property: y is twice x, applies_to: f, formal: y == 2 * z}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

Good:

    equations:
      f: {formula: "y = 2 x", domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
    proof_obligations:
      - {id: OBL-1, type: invariant, property: y is twice x, applies_to: f, formal: y == 2 * x}
    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, mutants: [{id: m, stage: f}], obligation: OBL-1}

A call of something that is neither a function of the language nor the kernel of an equation here is looked for in the subject; where its
name differs from a function's in one letter, that is a warning.

Not flagged: `formula` and `property`, which are for people; `verification` of an obligation; a `formal` in words where the domain is
in words too.

Upstream: none; `formal` is prose there.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pv.formal.functions import FUNCTIONS
from pv.formal.language import FormalError
from pv.rules._formal import EXPRESSIONS, Fault, executed, is_about_keys, reads_the_result, told
from pv.rules._obligations import BLOCK
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.formal.language import Expression
    from pv.parse import Contract
    from pv.rules._formal import Executed
    from pv.rules._problem import Problem

CODE = "PV242"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield the first thing in the expressions of each equation and obligation that is not of the language."""
    for fault in executed(contract).faults:
        if fault.key not in EXPRESSIONS or is_about_keys(contract, fault):
            continue
        if fault.path[0] == "equations" and fault.key == "formal" and reads_the_result(contract, str(fault.path[1])):
            continue  # PV245 speaks of it
        yield told(contract, fault)
    found = executed(contract)
    kernels = {one.function for one in found.equations.values()}
    for path, expression in _expressions(found):
        for call in ast.walk(expression.tree):
            if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
                continue
            name = call.func.id
            meant = [] if name in {*FUNCTIONS, *kernels} else [one for one in FUNCTIONS if _is_slip(name, one)]
            if meant:
                fix = " or ".join(map(repr, meant))
                said = f"{name!r} is no function of the language, and is looked for in the subject; did you mean {fix}?"
                yield told(contract, Fault(path, FormalError(said, call.col_offset)))._replace(
                    severity=Severity.WARNING
                )


def _expressions(found: Executed) -> Iterator[tuple[tuple[str | int, ...], Expression]]:
    """Every expression that can be run, with the path to it."""
    for name, one in found.equations.items():
        yield from ((("equations", name, "let", part), text) for part, text in one.let)
        if one.formal is not None:
            yield ("equations", name, "formal"), one.formal
    for index, each in found.properties.items():
        own = each.let[len(each.equation.let) :]
        written = {key: text for key, text in each.expressions.items() if text is not each.equation.formal}
        yield from (((BLOCK, index, key), text) for key, text in written.items())
        yield from (((BLOCK, index, "let", part), text) for part, text in own)
        bounds = enumerate(each.between or ())
        yield from (((BLOCK, index, "between", place), text) for place, text in bounds if text is not None)


def _is_slip(word: str, meant: str) -> bool:
    """Whether two words differ in one letter: changed, left out, or put in."""
    short, long = sorted((word, meant), key=len)
    if len(short) < 2 or len(long) - len(short) > 1 or word == meant:
        return False
    at = next((place for place, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[at + (len(short) == len(long)) :] == long[at + 1 :]
