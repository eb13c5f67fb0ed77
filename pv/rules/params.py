"""Parameters that make no cases (PV307).

Each parameter becomes an argument of the falsifier and each of its values a case. An empty list would make the claim
vanish; a value that stands twice, or that is no text, number or truth value, gives no id of its own.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, params: {tokens: []}}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, params: {tokens: [16, 128]}}

Upstream: none; there are no parameters there.
"""

from __future__ import annotations

from keyword import iskeyword
from typing import TYPE_CHECKING

from pv.parse import CLAIMS
from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV307"
SEVERITY = Severity.ERROR


_RESERVED = {"claim", "evidence", "mutant", "request"}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each parameter whose name or values cannot be used."""
    for claim in contract.claims:
        for name, values in claim.params.items():
            span = contract.document.key_span(CLAIMS, claim.index, "params", name)
            what = f"parameter {name!r} of claim {claim.id!r}"
            if not name.isidentifier() or iskeyword(name) or name in _RESERVED:
                yield Problem(span, f"{what} is no name that an argument can have", "use another name")
            elif not values:
                yield Problem(span, f"{what} has no values", "list at least one")
            elif not all(isinstance(value, (str, int, float)) for value in values):
                yield Problem(span, f"{what} has a value that is no text, number or truth value")
            elif len({str(value) for value in values}) < len(values):
                yield Problem(span, f"{what} has a value twice", "each value makes one case")
