"""A binding to an equation that its contract does not have (PV603).

`equation` of a binding names an equation of the contract that the binding names. One that isn't there was renamed or misspelt; the
equation that was meant counts as not implemented.

Bad:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: sofmax, status: implemented, module_path: "a::softmax", function: softmax}

Good:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}

Upstream: BIND-001 says it of the equation that was meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._bindings import bindings
from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.index import Index
    from pv.load import Document

CODE = "PV603"
SEVERITY = Severity.ERROR


def check_registry(document: Document, index: Index) -> Iterator[Problem]:
    """Yield each binding whose contract is there and has no such equation."""
    for one in bindings(document):
        found = index.get(one.contract) if one.contract and one.equation else None
        if found and one.equation not in found.equations:
            known = sorted(found.equations)
            fix = did_you_mean(one.equation, known, near=0.75) or f"its equations are: {', '.join(known[:8]) or 'none'}"
            yield Problem(one.span("equation"), f"contract {one.contract!r} has no equation {one.equation!r}", fix)
