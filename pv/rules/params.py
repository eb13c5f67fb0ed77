"""Parameters that make no cases (PV307).

Each parameter becomes an argument of the falsifier and each of its values a case. An empty list would make the claim
vanish; a value that stands twice, or that is empty or no text, number or truth value, gives no id of its own, and
neither do two combinations of values that read the same when a dash stands between them. At most 10,000 combinations.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, params: {tokens: []}}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, params: {tokens: [16, 128]}}

Upstream: none; there are no parameters there.
"""

from __future__ import annotations

import math
from collections import Counter
from keyword import iskeyword
from typing import TYPE_CHECKING, Any

from pv.rules._problem import Problem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pv.parse import Claim, Contract

CODE = "PV307"
SEVERITY = Severity.ERROR


_MOST = 10_000
_RESERVED = {"claim", "evidence", "mutant", "request"}


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each parameter whose name or values cannot be used, and parameters that together make no distinct cases."""
    for claim in contract.claims:
        found = [
            Problem(contract.document.key_span(*claim.at, "params", name), *wrong)
            for name, values in claim.params.items()
            if (wrong := _wrong(name, values, f"parameter {name!r} of claim {claim.id!r}"))
        ]
        if not found and claim.params:
            together = _together(claim)
            span = contract.document.key_span(*claim.at, "params")
            found = [Problem(span, *together)] if together else []
        yield from found


def _wrong(name: str, values: Sequence[Any], what: str) -> tuple[str, str] | None:
    if not name.isidentifier() or iskeyword(name) or name in _RESERVED:
        return f"{what} is no name that an argument can have", "use another name"
    if not values:
        return f"{what} has no values", "list at least one"
    if not all(isinstance(value, (str, int, float)) for value in values):
        return f"{what} has a value that is no text, number or truth value", "write it as one of these"
    if "" in values:
        return f"{what} has an empty value", "each value is part of the case's id"
    if len({str(value) for value in values}) < len(values):
        return f"{what} has a value twice", "each value makes one case"
    return None


def _together(claim: Claim) -> tuple[str, str] | None:
    number = math.prod(map(len, claim.params.values()))
    if number > _MOST:
        return (
            f"the parameters of claim {claim.id!r} make {number} cases",
            f"at most {_MOST} are run; list fewer values",
        )
    twice = next((label for label, n in Counter(case.label for case in claim.cases()).items() if n > 1), None)
    if twice is None:
        return None
    what = f"two combinations of the parameters of claim {claim.id!r} read {twice!r}"
    return what, "write the values so that a dash between them does not make them alike"
