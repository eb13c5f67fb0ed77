"""References into other contracts that lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV335"
ONE = "proof_obligations:\n  - {type: invariant, property: p, discharged_by: %s}\n"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "
OTHER = """\
metadata: {version: "1", description: d, references: [r]}
proof_obligations: [{id: O-7, type: invariant, property: p}]
falsification_tests: [{id: FALSIFY-SM-001, prediction: p, if_fails: q}]
"""
FILES = {"softmax-v1.yaml": OTHER}


@pytest.mark.parametrize(
    "good",
    [
        ONE % "'softmax-v1:FALSIFY-SM-001'",
        ONE % "'softmax-v1#O-7'",
        ONE % "['softmax-v1.yaml::FALSIFY-SM-001']",
        # this contract itself
        ONE % "'base-v1:FALSIFY-B-001'",
        # a test, a page, prose
        ONE % "['tests/a-v1.rs::sum', 'https://x.org/a-v1#FALSIFY-X-1', 'see softmax-v1: FALSIFY-X-1']",
        CLAIM + "obligation: 'softmax-v1:O-7'}",
        CLAIM + "evidence_discharged_by: [1, {a: b}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (ONE % "§'softmax-v1:FALSIFY-SM-002'", "did you mean 'FALSIFY-SM-001'?"),
        (ONE % "['softmax-v1:O-7', §'sofmax-v1:O-7']", "did you mean 'softmax-v1'?"),
        (CLAIM + "obligation: §'softmax-v1#O-900'}", "has no 'O-900'"),
        (CLAIM + "evidence_discharged_by: [a::b, §'gone-v3:FALSIFY-X-1']}", "no contract of this project"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.finds(bad, words)


def test_where_no_other_contract_is_known_nothing_can_be_said(rule: Tried) -> None:
    rule.accepts(ONE % "'softmax-v1:FALSIFY-SM-002'")
