"""Keys that their block does not know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV101"


@pytest.mark.parametrize(
    "good",
    [
        "falsification_tests: [{id: F-1, prediction: p, if_fails: q, x-mine: 1}]",
        "equations: {f: {formula: x, domain: R}}",
        "weights: {anything: 1}",
        "proof_obligations: [{type: bound, property: p, lean: {theorem: T, x-n: 1}}]",
        "requires: [{id: R, statement: s}]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("falsification_tests: [{id: F-1, prediction: p, if_fails: q, §predicton: r}]", "did you mean 'prediction'?"),
        ("falsification_tests: [{id: F-1, prediction: p, if_fails: q, §zzzzz: r}]", "'x-'"),
        # like a known key in some letters, and not meant
        ("falsification_tests: [{id: F-1, prediction: p, if_fails: q, §tags: [db]}]", "'x-'"),
        ("metadata: {version: '1', description: d, references: [r], §team: core}", "'x-'"),
        ("equations: {f: {formula: x, §formally: y}}", "in an equation"),
        ("equations: [{formula: x, §formla: y}]", "did you mean 'formula'?"),
        ("proof_obligations: [{type: bound, property: p, lean: {theorem: T, §modul: m}}]", "did you mean 'module'?"),
        ("falsification_tests: [{id: F-1, prediction: p, if_fails: q, mutants: [{id: m, §stge: s}]}]", "in a mutant"),
        ("metadata: {version: '1', description: d, references: [r], §athor: me}", "did you mean 'author'?"),
        ("requires: [{id: R, §statment: s}]", "did you mean 'statement'?"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
