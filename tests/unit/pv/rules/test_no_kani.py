"""Kernels without a kani harness."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV224"


@pytest.mark.parametrize(
    "good",
    [
        """\
kani_harnesses:
  - {id: K, obligation: o, bound: 8}
""",
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: competitive-parity}
kani_harnesses: []
""",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        ("§kani_harnesses: []", "no kani harness", Severity.NOTE),
        ("§kani_harnesses:", "no kani harness", Severity.NOTE),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)


def test_what_is_not_there_is_missed_at_the_top(rule: Tried) -> None:
    assert [(one.span.line, one.span.col) for one in rule.found("status: ACTIVE")] == [(1, 1)]
