"""Equations without a binding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV606"
HEAD = "version: 1.0.0\ntarget_crate: c\nbindings:\n"
GOOD = HEAD + "  - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: m, function: f}\n"
OTHER = 'metadata: {version: "1", description: d}\nequations: {softmax: {formula: f}, log_softmax: {formula: f}}\n'
FILES = {"softmax-v1.yaml": OTHER, "notes.yaml": "a: 1"}


@pytest.mark.parametrize(
    "good",
    [
        GOOD + "  - {contract: softmax-v1, equation: log_softmax, status: not_implemented}\n",
        # a contract that it never names
        GOOD.replace("softmax-v1.yaml", "gone-v1"),
        HEAD + "  - {contract: [a], equation: b}\n",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (GOOD.replace("contract: ", "contract: §"), "no binding for 1 of the 2 equations of 'softmax-v1': log_softmax"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.finds(bad, words)
