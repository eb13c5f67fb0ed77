"""An expectation that does not exist (PV306).

`expect: refuted` turns the verdict round; a misspelt word would silently leave it as it is.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, expect: refute}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, expect: refuted}

Upstream: none; `expect` does not exist there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import Expect, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV306"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim whose `expect` is no known word."""
    for claim in contract.claims:
        if "expect" in claim.data and claim.data["expect"] not in list(Expect):
            word = claim.data["expect"]
            span = contract.document.value_span(*claim.at, "expect")
            fix = did_you_mean(str(word), Expect) or f"one of {', '.join(Expect)}"
            yield Problem(span, f"claim {claim.id!r}: unknown expect {word!r}", fix)
