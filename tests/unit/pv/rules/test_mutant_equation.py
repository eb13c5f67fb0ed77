"""Mutants whose stage is not the equation that a claim runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV246"


def claim(mutants: str, more: str = "") -> str:
    return (
        "equations:\n"
        "  f: {formula: y, domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}\n"
        "  g: {formula: y, domain: x in R}\n"
        "proof_obligations:\n"
        "  - {id: O-1, type: frame, property: stays, applies_to: f}\n"
        "  - {id: O-2, type: frame, property: goes, applies_to: g}\n"
        f"falsification_tests:\n  - {{id: F-1, prediction: p, if_fails: q, mutants: {mutants}{more}}}\n"
    )


@pytest.mark.parametrize(
    "good",
    [
        claim("[{id: m, stage: f}, {id: o, stage: f, layer: 0}]", ", obligation: O-1"),
        claim("[{id: m}]", ", obligation: O-1"),  # PV304
        claim("[{id: m, stage: 3}]", ", obligation: O-1"),  # PV103
        claim("[{id: m, stage: ffn}]", ", obligation: O-2"),
        claim("[{id: m, stage: ffn}]", ", obligation: O-1, test: falsifiers.a.b"),
        claim("[{id: m, stage: ffn}]"),
        claim("3", ", obligation: O-1"),
        claim("[3]", ", obligation: O-1"),
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (claim("[{id: m, stage: f}, {id: o, stage: §ffn}]", ", obligation: O-1"), "'o' of 'F-1'"),
        (claim("[{id: m, stage: §g}]", ", obligation: O-1"), "write stage: f"),
        (claim("[{id: m, stage: §F}]", ", obligation: O-1"), "the claim runs 'f'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
