"""Equations of a kernel without a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV204"


@pytest.mark.parametrize(
    "good",
    [
        """\
equations:
  f: {formula: x}
""",
        # zero is a formula
        """\
equations:
  f: {formula: 0}
""",
        # only kernels are asked
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
equations:
  f: {formula: ''}
""",
        # of a wrong kind of value PV103 speaks
        """\
equations:
  f: {formula: [a]}
""",
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
  §f: {formula: ''}
""",
            "'f' has no formula",
        ),
        (
            """\
equations:
  §f: {formula: ' '}
""",
            "without metadata.kind",
        ),
        (
            """\
equations:
  g: {formula: x}
  §f: {domain: x}
""",
            "'f' has no formula",
        ),
        (
            """\
equations:
  §f: text
""",
            "'f' has no formula",
        ),
        (
            """\
equations:
  §f:
""",
            "'f' has no formula",
        ),
        (
            """\
equations:
  - §{id: f}
""",
            "'f' has no formula",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_only_the_first_is_told_why_it_is_asked(rule: Tried) -> None:
    first, second = rule.found("equations:\n  f: {formula: ''}\n  g: {formula: ''}")
    assert "without metadata.kind" in str(first.help)
    assert second.help is None
