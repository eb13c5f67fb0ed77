"""An equation that is bound twice (PV604).

Two bindings of one equation of one contract leave open which function implements it: a test made from the registry takes one of
them, and the other is never tried. Where they say different things of it (`implemented` here, `not_implemented` there) it is an error.

Bad:

    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}
      - {contract: softmax-v1.yaml, equation: softmax, status: not_implemented}

Good:

    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}
      - {contract: softmax-v1.yaml, equation: log_softmax, status: not_implemented}

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


def check_registry(document: Document, index: Index) -> Iterator[Problem]:
    """Yield each binding of an equation that an earlier one binds."""
    del index
    first: dict[tuple[str, str], Binding] = {}
    for one in bindings(document):
        if not one.contract or not one.equation:
            continue
        before = first.setdefault((one.contract, one.equation), one)
        if before is not one:
            line = before.span("equation").line
            differ = one.data.get("status") != before.data.get("status")
            severity = Severity.ERROR if differ else None
            message = f"{one.equation!r} of {one.contract!r} is bound twice, first at line {line}"
            message += f", and there it is {before.data.get('status')!r}" if differ else ""
            yield Problem(one.span("equation"), message, "keep the binding that is true", severity)
