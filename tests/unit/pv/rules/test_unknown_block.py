"""Top-level blocks that nothing reads, and those that only need their right name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV102"
ERROR, WARNING = Severity.ERROR, Severity.WARNING


@pytest.mark.parametrize(
    "good",
    [
        "proof_obligations: []\nkani_harnesses: []\nstatus: DRAFT\nvalid_for: 30d",
        "x-equation: {}\nx-kind: pattern\n'x-': 1",
        "falsification_conditions: []\ninvariants: []\nfalsification: []",
        "qa_gate: {id: a, kind: b, equation: c}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity", "fix"),
    [
        ("§type_invariant: []", "'type_invariants'?", ERROR, "type_invariants"),
        ("§Kani-Harness: []", "'kani_harnesses'?", ERROR, "kani_harnesses"),
        ("§'statusHistory': []", "'status_history'?", ERROR, "'status_history'"),
        ('§"qaGate":\n  {id: a}', "'qa_gate'?", ERROR, '"qa_gate"'),
        # something else stands there, or nothing that the block could be
        ("§kani_harness: {}", "'kani_harnesses'?", ERROR, None),
        ("§kani_harness:", "'kani_harnesses'?", ERROR, None),
        ("kani_harnesses: []\n§kani-harness: []", "'kani_harnesses'?", ERROR, None),
        ("§equation: {}", "'equations'?", ERROR, None),
        ("§kind: pattern", "under 'metadata'", ERROR, None),
        # no near misses
        ("§gates: {}", "begin with 'x-'", WARNING, None),
        ("§spec: {}", "begin with 'x-'", WARNING, None),
        ("§weights: 1", "nothing reads the block 'weights'", WARNING, None),
        ("§2: 1", "nothing reads the block '2'", WARNING, None),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity, fix: str | None) -> None:
    found = rule.finds(bad, words, severity)
    assert (found.fix.text if found.fix else None) == fix


def test_of_two_near_misses_none_is_chosen(rule: Tried) -> None:
    found = rule.found("kani_harness: []\nKaniHarnesses: []")
    assert [one.fix for one in found] == [None, None]
