"""Equations that do not say where they hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV230"


@pytest.mark.parametrize(
    "good",
    [
        """\
equations:
  f: {formula: x, domain: x > 0}
""",
        # said in other ways
        """\
equations:
  f: {formula: x, preconditions: [x > 0]}
  g: {formula: x, assumes: {from_contract: a}}
""",
        # without a formula PV204 speaks
        """\
equations:
  f: {formula: ''}
  g: text
""",
        "equations: []",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            """\
equations:
  §f: {formula: x}
""",
            "'f' does not say where",
        ),
        (
            """\
equations:
  g: {formula: x, domain: all}
  §f: {formula: x, domain: ' ', preconditions: []}
""",
            "'f'",
        ),
        (
            """\
equations:
  - §{id: f, formula: x}
""",
            "'f' does not say",
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
equations:
  §f: {formula: x}
""",
            "'f' does not say",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
