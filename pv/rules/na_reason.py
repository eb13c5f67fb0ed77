"""An obligation set aside without a reason or an owner (PV220).

`applies_to: not_applicable` takes an obligation out of every count. Who may do that, and why, has to stand beside it: `na_reason` and
`na_owner`. Without them anything that is hard to show could be waved away.

Bad:

    proof_obligations:
      - {type: termination, property: it ends, applies_to: not_applicable}

Good:

    proof_obligations:
      - type: termination
        property: it ends
        applies_to: not_applicable
        na_reason: the kernel is a table and has no loop
        na_owner: J. Doe

Upstream: SCHEMA-021 and SCHEMA-022.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._obligations import BLOCK, NA_FIELDS, is_set_aside
from pv.rules._problem import Problem, entries, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV220"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each obligation that is not applicable and lacks `na_reason` or `na_owner`."""
    for index, entry in entries(contract, BLOCK):
        missing = [name for name in NA_FIELDS if is_blank(entry.get(name))]
        if is_set_aside(entry) and missing:
            span = contract.document.value_span(BLOCK, index, "applies_to")
            message = f"proof obligation {index + 1} is set aside without {' and '.join(missing)}"
            yield Problem(span, message, "say why it does not apply, and who answers for that")
