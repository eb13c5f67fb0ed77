"""Equations without preconditions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV233"


@pytest.mark.parametrize(
    "good",
    [
        """\
equations:
  f: {formula: x, preconditions: [x > 0]}
""",
        """\
equations:
  f: {formula: x, domain: {x: {dtype: f32, range: [0, 1]}}}
""",
        # only kernels are asked
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
equations:
  f: {formula: x}
""",
        "equations: {}",
        # without a formula PV204 speaks
        """\
equations:
  f: text
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
  g: {formula: x, preconditions: [y]}
""",
            "preconditions: f",
            Severity.NOTE,
        ),
        (
            """\
§equations:
  f0: {formula: x}
  f1: {formula: x}
  f2: {formula: x}
  f3: {formula: x}
  f4: {formula: x}
  f5: {formula: x}
  f6: {formula: x}
""",
            "f0, f1, f2, f3, f4 and 2 more",
            Severity.NOTE,
        ),
        (
            """\
§equations:
  f0: {formula: x}
  f1: {formula: x}
  f2: {formula: x}
  f3: {formula: x}
  f4: {formula: x}
""",
            "f0, f1, f2, f3, f4 None",
            Severity.NOTE,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
