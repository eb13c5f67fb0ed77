"""Dependencies on contracts that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV332"
META = 'metadata: {version: "1", description: d, references: [r], depends_on: %s}\n'
OTHER = 'metadata: {version: "1", description: d, references: [r]}\nequations: {softmax: {formula: f}}\n'
FILES = {"softmax-kernel-v1.yaml": OTHER, "deep/matmul-v2.yml": OTHER, "notes.yaml": "a: 1"}


@pytest.mark.parametrize(
    "good",
    [
        META % "[softmax-kernel-v1, matmul-v2]",
        META % "[softmax-kernel-v1.yaml]",
        META % "[contracts/deep/matmul-v2.yml]",
        # another repository
        META % "['aprender:gelu-v1', 'https://x.org/gelu-v1.yaml', ../other/contracts/gelu-v1.yaml]",
        # itself, which is a circle
        META % "[base-v1]",
        META % "[1, null, [a], {b: c}, ' ']",
        META % "5",
        "metadata: []",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (META % "[softmax-kernel-v1, §softmaks-kernel-v1]", "did you mean 'softmax-kernel-v1'?"),
        (META % "[§entirely-else-v1.yaml]", "which is no contract of this project name a contract, as in"),
        (META % "[§notes]", "is a file, but no contract"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.finds(bad, words)


def test_where_no_other_contract_is_known_nothing_can_be_said(rule: Tried) -> None:
    rule.accepts(META % "[gone-v1]")
