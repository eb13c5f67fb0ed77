"""A subcontract whose parent is no dependency (PV219).

What a subcontract refines must be among `metadata.depends_on`: that list is what graphs and checks across contracts follow, and a
parent that is not in it is seen by none of them. A subcontract that names no parent refines nothing; that is a warning.

Bad:

    proof_obligations:
      - {type: subcontract, property: it may only be faster, parent_contract: softmax-v1}

Good:

    metadata:
      {version: "1.0.0", created: "2026-01-02", description: d, references: [r], depends_on: [softmax-v1]}
    proof_obligations:
      - {type: subcontract, property: it may only be faster, parent_contract: softmax-v1}

Upstream: SCHEMA-017; a subcontract without a parent passes there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._obligations import BLOCK
from pv.rules._problem import Problem, entries, is_blank
from pv.rules._references import stem
from pv.types import Severity
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV219"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each subcontract whose parent is not among the dependencies, or that has none."""
    listed = contract.metadata.get("depends_on")
    known = {stem(str(name)) for name in (listed if isinstance(listed, list) else [])}
    for index, entry in entries(contract, BLOCK):
        if entry.get("type") != "subcontract":
            continue
        parent = entry.get("parent_contract")
        if is_blank(parent):
            span = contract.document.key_span(BLOCK, index, "parent_contract")
            message = f"proof obligation {index + 1} is a subcontract of nothing"
            yield Problem(span, message, "name the contract that it refines under parent_contract", Severity.WARNING)
        elif stem(str(parent)) not in known:
            span = contract.document.value_span(BLOCK, index, "parent_contract")
            fix = did_you_mean(stem(str(parent)), known, near=0.8) or "add it to metadata.depends_on"
            yield Problem(span, f"the parent {str(parent)!r} is not among metadata.depends_on", fix)
