"""Kani harnesses without a bound, or with one that is no count."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV214"


@pytest.mark.parametrize(
    "good",
    [
        """\
kani_harnesses:
  - {id: K-1, obligation: a, bound: 8}
""",
        # hexadecimal, and nothing at all
        """\
kani_harnesses:
  - {id: K-1, obligation: a, bound: 0x10}
  - {id: K-2, obligation: a, bound: 0}
""",
        # the greatest that fits
        """\
kani_harnesses:
  - {id: K-1, obligation: a, bound: 4294967295}
""",
        "kani_harnesses: []",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (
            """\
kani_harnesses:
  - §{id: K-1, obligation: a}
""",
            "'K-1' names no bound",
            Severity.WARNING,
        ),
        (
            """\
kani_harnesses:
  - {§bound: , obligation: a}
""",
            "harness 1 names no bound",
            Severity.WARNING,
        ),
        (
            """\
kani_harnesses:
  - {obligation: a, bound: §-1}
""",
            "harness 1 is no whole number",
            Severity.ERROR,
        ),
        (
            """\
kani_harnesses:
  - {id: K-1, obligation: a, bound: §'8'}
""",
            "no whole number",
            Severity.ERROR,
        ),
        (
            """\
kani_harnesses:
  - {id: K-1, obligation: a, bound: §8.0}
""",
            "no whole number",
            Severity.ERROR,
        ),
        (
            """\
kani_harnesses:
  - {id: K-1, obligation: a, bound: §-1}
""",
            "no whole number",
            Severity.ERROR,
        ),
        (
            """\
kani_harnesses:
  - {id: K-1, obligation: a, bound: §true}
""",
            "no whole number",
            Severity.ERROR,
        ),
        (
            """\
kani_harnesses:
  - {id: K-1, obligation: a, bound: §4294967296}
""",
            "no whole number",
            Severity.ERROR,
        ),
        (
            """\
kani_harnesses:
  - {id: K-1, obligation: a, bound: §[8]}
""",
            "no whole number",
            Severity.ERROR,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
