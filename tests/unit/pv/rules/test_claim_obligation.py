"""Claims that name obligations which are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV330"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "
OBLIGATIONS = "proof_obligations:\n  - {id: SM-INV-001, type: invariant, property: The sum  is 1}\n"


@pytest.mark.parametrize(
    "good",
    [
        OBLIGATIONS + CLAIM + "obligation: SM-INV-001}",
        OBLIGATIONS + CLAIM + "obligation: [SM-INV-001]}",
        # what it states, with other blanks
        OBLIGATIONS + CLAIM + "obligation: the sum is 1}",
        OBLIGATIONS + CLAIM + "obligation: 'proof_obligations[0]'}",
        # several in one text
        OBLIGATIONS + CLAIM + "obligation: 'SM-INV-001, SM-INV-001'}",
        # another contract is for another rule
        OBLIGATIONS + CLAIM + "obligation: 'other-v1:SM-INV-009'}",
        # values of other shapes
        OBLIGATIONS + CLAIM + "obligation: {a: [1]}}",
        OBLIGATIONS + CLAIM + "obligation: [null, 1, [a], {b: c}]}",
        "proof_obligations: 5\n" + CLAIM + "obligation: null}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (OBLIGATIONS + CLAIM + "obligation: §SM-INV-01}", "did you mean 'SM-INV-001'?"),
        (OBLIGATIONS + CLAIM + "obligation: [SM-INV-001, §OTHER-7]}", "the obligations here are: SM-INV-001"),
        (OBLIGATIONS + CLAIM + "obligation: §'proof_obligations[1]'}", "no obligation here"),
        (OBLIGATIONS + CLAIM + "obligation: §'falsification_tests[0]'}", "no obligation here"),
        ("proof_obligations: []\n" + CLAIM + "obligation: §SM-INV-001}", "are: none"),
        (
            "proof_obligations: [{type: invariant, property: p}]\n" + CLAIM + "obligation: §SM-1}",
            "proof_obligations[0]",
        ),
        (OBLIGATIONS + CLAIM + "obligation: §'SM-INV-001, SM-INV-7'}", "SM-INV-7"),
        (OBLIGATIONS + "falsification_conditions:\n  - {id: G-1, assertion: a, obligation: §nothing}", "nothing"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
