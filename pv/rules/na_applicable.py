"""A reason for setting an obligation aside that is not set aside (PV221).

`na_reason` and `na_owner` belong to `applies_to: not_applicable`. Beside anything else they contradict it: either the obligation
applies, or somebody forgot to say that it doesn't.

Bad:

    proof_obligations:
      - {type: termination, property: it ends, applies_to: all, na_reason: no loop, na_owner: J. Doe}

Good:

    proof_obligations:
      - {type: termination, property: it ends, applies_to: not_applicable, na_reason: no loop, na_owner: J. Doe}

Upstream: SCHEMA-023.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._obligations import BLOCK, NA_FIELDS, is_set_aside
from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV221"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each `na_…` field of an obligation that applies."""
    for index, entry in entries(contract, BLOCK):
        said = [name for name in NA_FIELDS if not is_blank(entry.get(name))]
        if said and not is_set_aside(entry):
            span = contract.document.key_span(BLOCK, index, said[0])
            message = f"proof obligation {index + 1} has {' and '.join(said)}, and applies all the same"
            yield Problem(span, message, "write applies_to: not_applicable, or take the reason out")
