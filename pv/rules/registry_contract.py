"""A binding to a contract that is not there (PV602).

`contract` of a binding names a contract of the project, by its file. A binding to one that is gone or misspelt binds nothing, and
the contract that was meant counts as not implemented.

Bad:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: sofmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}

Good:

    version: "1.0.0"
    target_crate: aprender
    bindings:
      - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: "a::softmax", function: softmax}

Not flagged: anything where the project has no contract beside the registry, since then its contracts are not known.

Upstream: none; such an entry is passed over there.
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

CODE = "PV602"
SEVERITY = Severity.ERROR


def check_registry(document: Document, index: Index) -> Iterator[Problem]:
    """Yield the first binding to each contract that the project does not have."""
    told: set[str] = set()
    if not any(index.get(name) for name in index.names):
        return
    for one in bindings(document):
        if one.contract and one.contract not in told and index.get(one.contract) is None:
            told.add(one.contract)
            what = "a file, but no contract" if one.contract in index.names else "no contract of this project"
            fix = (
                did_you_mean(one.contract, index.like(one.contract), near=0.75)
                or "name its file, as in softmax-kernel-v1.yaml"
            )
            yield Problem(one.span("contract"), f"bound to {one.contract!r}, which is {what}", fix)
