"""A claim without a prediction (PV208).

What nothing predicts nothing can refute. In the older blocks `falsification_conditions` and `invariants` other words say it (`assertion`,
`summary`, `statement`), and an entry that only has a `rule` or a `description` predicts that.

Bad:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: "", if_fails: q}

Good:

    falsification_tests:
      - {id: FALSIFY-A-001, prediction: "the sum is 1", if_fails: q}

Upstream: SCHEMA-008, for `falsification_tests`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.parse import CLAIMS
from pv.rules._problem import Problem, is_blank
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.parse import Contract

CODE = "PV208"
SEVERITY = Severity.ERROR


def check(contract: Contract) -> Iterator[Problem]:
    """Yield each claim whose prediction, under whichever of its names, is empty."""
    for claim in contract.claims:
        said = claim.prediction or ("" if claim.block == CLAIMS else claim.rule)
        key = claim.key("prediction")
        if is_blank(said) and not isinstance(claim.data.get(key), (dict, list)):  # of these PV103 speaks
            yield Problem(contract.document.key_span(*claim.at, key), f"claim {claim.id!r} predicts nothing")
