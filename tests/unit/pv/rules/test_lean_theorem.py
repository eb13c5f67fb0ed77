"""Equations without a Lean theorem."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV234"


@pytest.mark.parametrize(
    "good",
    [
        """\
equations:
  f: {formula: x, lean_theorem: T}
""",
        # obligations have theorems
        """\
proof_obligations:
  - {property: p, lean: {theorem: T}}
""",
        # only kernels are asked
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
equations:
  f: {formula: x}
""",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (
            """\
§equations:
  f: {formula: x}
""",
            "lean_theorem: f",
            Severity.NOTE,
        ),
        (
            """\
§equations:
  f: {formula: x, lean_theorem: ''}
  g: {formula: x, lean_theorem: T}
""",
            "lean_theorem: f",
            Severity.NOTE,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
