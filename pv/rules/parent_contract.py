"""`parent_contract` where it means nothing (PV218).

`parent_contract` names the contract that a subcontract refines. An obligation of another type refines none, and nobody reads what
stands there.

Bad:

    proof_obligations:
      - {type: invariant, property: the sum is 1, parent_contract: softmax-v1}

Good:

    metadata:
      {version: "1.0.0", created: "2026-01-02", description: d, references: [r], depends_on: [softmax-v1]}
    proof_obligations:
      - {type: subcontract, property: the sum is 1, parent_contract: softmax-v1}

Upstream: SCHEMA-016.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._obligations import misplaced
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract
    from pv.rules._problem import Problem

CODE = "PV218"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation of another type that has `parent_contract`."""
    yield from misplaced(contract, "parent_contract", ("subcontract",))
