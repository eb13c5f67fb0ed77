"""An equation that is bound twice to the same function (PV604).

Two bindings of one equation to one function say the same twice, and in the end something different. So do one that is
`not_implemented` and one that is not: who takes the first of them is told that nothing implements the equation.

Bad:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: not_implemented}
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}

Good:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "b::softmax", function: softmax_avx}

Not flagged: several functions that implement one equation, as for several back ends; real registries have dozens of them.

Upstream: none; the first of them counts there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._bindings import Binding, bindings
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.load import Document

CODE = "PV604"
SEVERITY = Severity.WARNING
NONE = "not_implemented"


def check_registry(document: Document, index: Index) -> Iterator[Problem]:
    """Yield each binding to a function that an earlier one names, and each that says otherwise of whether there is one."""
    del index
    first: dict[tuple[str, ...], Binding] = {}
    for one in bindings(document):
        if not one.contract or not one.equation:
            continue
        equation = (one.contract, one.equation)
        function = (*equation, str(one.data.get("module_path")), str(one.data.get("function")))
        same = first.setdefault(function, one)
        other = first.setdefault(equation, one)
        title = f"{one.equation!r} of {one.contract!r}"
        if same is not one:
            what = "the same function" if one.data.get("function") else "no function"
            message = f"{title} is bound to {what} twice, first at line {same.span('equation').line}"
            yield Problem(one.span("equation"), message, "keep one of the two")
        elif (other.data.get("status") == NONE) is not (one.data.get("status") == NONE):
            message = f"{title} is {one.data.get('status')}, but {other.data.get('status')} at line {other.span('status').line}"
            yield Problem(one.span("status"), message, "keep the binding that is true")
