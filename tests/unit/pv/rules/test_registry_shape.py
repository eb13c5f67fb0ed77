"""Binding registries that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV601"
HEAD = "version: 1.0.0\ntarget_crate: c\nbindings:\n"
GOOD = HEAD + "  - {contract: softmax-v1.yaml, equation: softmax, status: implemented, module_path: m, function: f}\n"


@pytest.mark.parametrize(
    "good",
    [
        GOOD,
        GOOD + "  - {contract: a, equation: b, status: pending, notes: null, x-own: 1, crate: z}\n",
        HEAD.rstrip() + " []",
        GOOD.replace("1.0.0", "1"),
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (GOOD.replace("implemented", "§implementd"), "did you mean 'implemented'?"),
        (GOOD.replace("implemented", "§done"), "one of implemented, partial"),
        (GOOD.replace("implemented", "§[a]"), "needs 'status', as text"),
        (HEAD + "  - §{contract: a, equation: b}\n", "needs 'status'"),
        (HEAD + "  - {contract: §5, equation: b, status: partial}\n", "needs 'contract'"),
        (HEAD + "  - §softmax\n", "must be a mapping"),
        (HEAD.rstrip() + " §{a: b}\n", "must be a list"),
        (GOOD.replace("target_crate: c", "target_crate: §[c]"), "needs 'target_crate'"),
        (GOOD.replace("version: 1.0.0", "version: §true"), "needs 'version'"),
        (GOOD.replace("module_path", "§modul_path"), "did you mean 'module_path'?"),
        (GOOD.replace("function: f", "function: §[f]"), "'function' of 'bindings[0]' must be text"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
