"""An equation without a binding (PV606).

A contract that the registry binds in part has equations that no entry speaks of: they count as not implemented, though nobody has
said so. An entry with `status: not_implemented` says it. `[tool.pv.validate] severity` can raise this to a warning.

Bad:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}

Good:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}
      - {contract: softmax-v1.yaml, equation: log_softmax, status: not_implemented}

Not flagged: contracts that the registry never names, since a program need not implement all contracts.

Upstream: BIND-001, PV-SCR-002.
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

CODE = "PV606"
SEVERITY = Severity.NOTE
SHOWN = 6  # equations that the message names


def check_registry(document: Document, index: Index) -> Iterator[Problem]:
    """Yield each contract of which some equations are bound and others are not, at its first binding."""
    bound: dict[str, set[str]] = {}
    first: dict[str, Binding] = {}
    for one in bindings(document):
        if one.contract:
            bound.setdefault(one.contract, set()).add(one.equation)
            first.setdefault(one.contract, one)
    for name, equations in bound.items():
        found = index.get(name)
        missing = sorted(found.equations - equations) if found else []
        if found and missing:
            shown = ", ".join(missing[:SHOWN]) + (" …" if len(missing) > SHOWN else "")
            message = f"no binding for {len(missing)} of the {len(found.equations)} equations of {name!r}: {shown}"
            fix = "add an entry for each; 'status: not_implemented' is one as well"
            yield Problem(first[name].span("contract"), message, fix)
