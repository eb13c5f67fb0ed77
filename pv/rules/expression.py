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

Not flagged: `formula` and `property`, which are for people; `verification` of an obligation; a `formal` in words where the domain is
in words too.

Upstream: none; `formal` is prose there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._formal import EXPRESSIONS, executed, is_about_keys, reads_the_result, told
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
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
