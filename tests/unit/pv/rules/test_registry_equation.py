"""Bindings to equations that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV603"
HEAD = "version: 1.0.0\ntarget_crate: c\nbindings:\n"
GOOD = HEAD + "  - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: m, function: f}\n"
OTHER = 'metadata: {version: "1", description: d}\nequations: {softmax: {formula: f}, log_softmax: {formula: f}}\n'
FILES = {"softmax-v1.yaml": OTHER, "notes.yaml": "a: 1"}


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        # the contract is for another rule
        GOOD.replace("softmax-v1.yaml", "gone-v1.yaml"),
        GOOD.replace("equation: softmax", "equation: [a]"),
    ],
)
def test_good(rule: Tried, good: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (GOOD.replace("equation: softmax", "equation: §sofmax"), "did you mean 'softmax'?"),
        (GOOD.replace("equation: softmax", "equation: §zzz"), "its equations are: log_softmax, softmax"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.finds(bad, words)
