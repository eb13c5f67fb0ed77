"""Equations that are bound twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV604"
HEAD = "version: 1.0.0\ntarget_crate: c\nbindings:\n"
GOOD = HEAD + "  - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: m, function: f}\n"
MORE = "  - {contract: softmax-v1, equation: %s, status: %s, module_path: %s, function: g}\n"
NONE = "  - {contract: softmax-v1, equation: softmax, status: not_implemented}\n"


@pytest.mark.parametrize(
    "good",
    [
        HEAD + "  - {contract: softmax-v1}\n  - {contract: softmax-v1}\n",
        GOOD,
        # another back end
        GOOD + MORE % ("softmax", "implemented", "n"),
        # another function, done in part
        GOOD + MORE % ("softmax", "partial", "n"),
        GOOD + MORE % ("log_softmax", "not_implemented", "m"),
        GOOD + MORE % ("[a]", "[b]", "{c: d}"),
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            GOOD + MORE.replace("g}", "f}") % ("§softmax", "implemented", "m"),
            "bound to the same function twice, first at line 4",
        ),
        (GOOD + MORE % ("softmax", "§not_implemented", "~"), "is not_implemented, but implemented at line 4"),
        (HEAD + NONE + NONE.replace("softmax,", "§softmax,"), "bound to no function twice"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
