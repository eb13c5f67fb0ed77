"""Kaizen records that nothing can contradict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV513"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}\n'


@pytest.mark.parametrize(
    "good",
    [
        # figures
        KIND + "proof_obligations: []\nfalsification_tests: []\ncontract: C-1\nbaseline: {a: 1}\ntarget: {a: 0}",
        KIND
        + "proof_obligations: []\nfalsification_tests: []\ncontract: C-1\nbaseline: {before: {a: 1}, after: {a: 0}}",
        # invariants as a list, as text, as a mapping
        KIND + "proof_obligations: []\nfalsification_tests: []\ncontract: C-1\ninvariants: [the buffer stays]",
        KIND + "proof_obligations: []\nfalsification_tests: []\ncontract: C-1\ninvariants: {C-1: {description: d}}",
        # obligations
        KIND + "contract: C-1\nfalsification_tests: []\nproof_obligations: [{type: bound, property: p}]",
        # tests
        KIND + "contract: C-1\nproof_obligations: []\nfalsification_tests: [{id: F-1}]",
        # a target alone is for another rule
        KIND + "proof_obligations: []\nfalsification_tests: []\ncontract: C-1\ntarget: {a: 0}",
        # other kinds are asked other things
        "proof_obligations: []\nfalsification_tests: []\ncontract: C-1",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            KIND + "proof_obligations: []\nfalsification_tests: []\n§contract: C-1\nstatus: draft",
            "nothing can contradict",
        ),
        (
            KIND + "proof_obligations: []\nfalsification_tests: []\n§contract: C-1\ninvariants: []",
            "nothing can contradict",
        ),
        (
            KIND + "proof_obligations: []\nfalsification_tests: []\n§contract: C-1\ninvariants: {}",
            "nothing can contradict",
        ),
        (KIND + "proof_obligations: []\nfalsification_tests: []\n§contract: C-1\nbaseline: {a: 1}", "before and after"),
        (
            KIND + "proof_obligations: []\nfalsification_tests: []\n§contract: C-1\nbaseline: {before: {a: 1}}",
            "before and after",
        ),
        (
            KIND + "proof_obligations: []\nfalsification_tests: []\n§contract: C-1\nbaseline: 3\ntarget:",
            "before and after",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
