"""Claims that several obligations hang on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV336"
TWO = "proof_obligations:\n  - {id: O-1, type: invariant, property: p, discharged_by: %s}\n  - {id: O-2, type: invariant, property: q, discharged_by: %s}\n"
CLAIMS = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q%s}\n  - {id: FALSIFY-A-002, prediction: p, if_fails: q}\n"


@pytest.mark.parametrize(
    "good",
    [
        TWO % ("FALSIFY-A-001", "FALSIFY-A-002") + CLAIMS % "",
        # one of them has another claim too
        TWO % ("[FALSIFY-A-001, FALSIFY-A-002]", "FALSIFY-A-001") + CLAIMS % "",
        TWO % ("FALSIFY-A-001", "gone") + CLAIMS % "",
        TWO % ("[1]", "{a: b}") + CLAIMS % ", obligation: [1, {a: b}]",
        TWO % ("FALSIFY-A-001", "'falsification_tests[7]'") + CLAIMS % "",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            TWO % ("FALSIFY-A-001", "FALSIFY-A-001") + CLAIMS.replace("FALSIFY-A-001", "§FALSIFY-A-001") % "",
            "2 obligations have no other claim than 'FALSIFY-A-001'",
        ),
        # told by place, and from the side of the claim
        (
            TWO % ("'falsification_tests[0]'", "null")
            + CLAIMS.replace("FALSIFY-A-001", "§FALSIFY-A-001") % ", obligation: ['proof_obligations[1]']",
            "proof_obligations [0], [1]",
        ),
        (
            TWO % ("null", "null") + CLAIMS.replace("FALSIFY-A-001", "§FALSIFY-A-001") % ", obligation: [O-1, Q]",
            "2 obligations",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
