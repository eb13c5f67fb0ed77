"""An evidence level that does not exist (PV305).

A claim asks for a level of evidence; a misspelt one would be taken for the lowest.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, level: mesured}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: p, if_fails: q, level: measured}

Upstream: none; `level` does not exist there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.types import Severity
from pv.words import Level, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV305"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim whose `level` is no known word."""
    for claim in contract.claims:
        if "level" in claim.data and claim.data["level"] not in list(Level):
            word = claim.data["level"]
            span = contract.document.value_span(*claim.at, "level")
            fix = did_you_mean(str(word), Level) or f"one of {', '.join(Level)}"
            yield Problem(span, f"claim {claim.id!r}: unknown level {word!r}", fix)
