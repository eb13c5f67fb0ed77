"""A proof obligation without a property (PV205).

An obligation that does not say what must hold can neither be met nor broken.

Bad:

    proof_obligations:
      - {type: invariant, property: ""}

Good:

    proof_obligations:
      - {type: invariant, property: "the sum is 1"}

Upstream: SCHEMA-005, PV-VAL-005.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV205"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation whose property (or `statement`, the other spelling) is empty."""
    for index, entry in entries(contract, "proof_obligations"):
        if is_blank(entry.get("property", entry.get("statement"))):
            span = contract.document.key_span("proof_obligations", index, "property")
            yield Problem(span, f"proof obligation {index + 1} has no property")
