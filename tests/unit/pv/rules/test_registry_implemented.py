"""Implemented, but nobody says where."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV605"
HEAD = "version: 1.0.0\ntarget_crate: c\nbindings:\n"
GOOD = HEAD + "  - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: m, function: f}\n"


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        HEAD + "  - {contract: a, equation: b, status: not_implemented}\n",
        HEAD + "  - {contract: a, equation: b, status: [implemented]}\n  - 5\n",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            GOOD.replace("module_path: m, function: f", "notes: null").replace("status: ", "status: §"),
            "'softmax' is implemented, but lacks module_path and function",
        ),
        (
            GOOD.replace("function: f", "function: ~").replace("status: implemented", "status: §partial"),
            "lacks function",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_notes_that_say_why_make_it_a_note(rule: Tried) -> None:
    told = GOOD.replace("module_path: m, function: f", "notes: only calculated with").replace("status: ", "status: §")
    rule.finds(told, severity=Severity.NOTE)
    rule.finds(told.replace("notes: only calculated with", "notes: ' '"), severity=Severity.WARNING)
