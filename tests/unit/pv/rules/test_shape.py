"""Values of the wrong kind, and fields that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV103"


@pytest.mark.parametrize(
    "good",
    [
        "falsification_tests: [{id: 1, prediction: true, if_fails: 2.5}]",
        "equations:",
        "metadata: {version: 1.0, description: d, references: [r], created: 2026-01-02}",
        "kani_harnesses: [{id: K, obligation: O, bound: 0x10}]",
        # other rules say it: PV202, PV214, PV308
        "metadata: {version: , description: d, references: [r]}",
        "kani_harnesses: [{id: K, obligation: O, bound: -1}]",
        "falsification_tests: [{id: , prediction: p, if_fails: q}]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("falsification_tests: [§{prediction: p}]", "lacks 'id'"),
        ("falsification_tests: §{a: 1}", "must be a list, not a mapping"),
        ("falsification_tests: §{F-1: {prediction: p}}", "a list of entries"),
        ("falsification_tests: [§text]", "must be a mapping, not 'text'"),
        ("falsification_tests: [{id: F-1, prediction: §[p], if_fails: q}]", "not a list"),
        ("kani_harnesses: [{id: K, obligation: O, bound: §'8'}]", "an integer or nothing, not '8'"),
        ("proof_obligations: [{type: §bounds, property: p}]", "did you mean 'bound'?"),
        ("metadata: {version: '1', description: §3, references: [r]}", "quote it"),
        (
            "falsification_tests: [{id: F-1, prediction: p, if_fails: q, mutants: [{id: m, layer: §-1}]}]",
            "minimum of 0",
        ),
        ("metadata: §[a]", "'metadata' must be a mapping"),
        ("metadata: §{author: me}", "'metadata' lacks 'version', 'description'"),
        # a proof of nothing
        ("proof_obligations: [{type: bound, property: p, lean: §{status: proved}}]", "lacks 'theorem'"),
        # once, though neither the kind of the value nor the word is right
        ("metadata: {version: '1', description: d, references: [r], kind: §}", "write it, or take the key out"),
        (
            "falsification_tests: [{id: F-1, prediction: p, if_fails: q, test: §true}]",
            "must be text or nothing, not true",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
