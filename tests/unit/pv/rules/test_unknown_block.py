"""Top-level blocks that nothing reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV102"


@pytest.mark.parametrize("good", ["x-weights: 1", "status: PROPOSED", "type_invariants: []", "coq_spec: {module: M}"])
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        ("§weights: 1", "begin with 'x-'", Severity.WARNING),
        ("§equation: {}", "did you mean 'equations'?", Severity.ERROR),
        ("§Kani-Harness: []", "did you mean 'kani_harnesses'?", Severity.ERROR),
        ("§falsification_test: []", "did you mean 'falsification_tests'?", Severity.ERROR),
        ("§kind: pattern", "belongs under 'metadata'", Severity.ERROR),
        ("§last_modified: 2026-01-02", "of 'metadata'", Severity.WARNING),
        ("§X-weights: 1", "nothing reads", Severity.WARNING),
        ("§'': 1", "nothing reads", Severity.WARNING),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
