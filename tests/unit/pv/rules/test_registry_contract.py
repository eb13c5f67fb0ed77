"""Bindings to contracts that are not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV602"
HEAD = "version: 1.0.0\ntarget_crate: c\nbindings:\n"
GOOD = HEAD + "  - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: m, function: f}\n"
OTHER = 'metadata: {version: "1", description: d}\nequations: {softmax: {formula: f}, log_softmax: {formula: f}}\n'
FILES = {"softmax-v1.yaml": OTHER, "notes.yaml": "a: 1"}


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        GOOD.replace("softmax-v1.yaml", "softmax-v1"),
        GOOD.replace("softmax-v1.yaml", "contracts/softmax-v1.yaml"),
        GOOD.replace("softmax-v1.yaml", "[a]"),
        HEAD.rstrip() + " 5",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (GOOD.replace("softmax-v1.yaml", "§sofmax-v1.yaml"), "did you mean 'softmax-v1'?"),
        (GOOD.replace("softmax-v1.yaml", "§notes.yaml"), "a file, but no contract"),
        (
            HEAD
            + "  - {contract: §zz-v1, equation: a, status: pending}\n  - {contract: zz-v1, equation: b, status: pending}\n",
            "no contract of this project",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    for name, text in FILES.items():
        rule.beside(name, text)
    rule.finds(bad, words)


def test_where_no_contract_is_known_nothing_can_be_said(rule: Tried) -> None:
    rule.accepts(GOOD)
