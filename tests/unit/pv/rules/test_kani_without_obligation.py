"""Kani harnesses that name no obligation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV213"


@pytest.mark.parametrize(
    "good",
    [
        """\
kani_harnesses:
  - {id: K-1, obligation: a}
""",
        # a number is a name
        """\
kani_harnesses:
  - {id: K-1, obligation: 0}
""",
        "kani_harnesses: []",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            """\
kani_harnesses:
  - {id: K-1, §obligation: ''}
""",
            "'K-1' names no obligation",
        ),
        (
            """\
kani_harnesses:
  - {id: K-1, §obligation: }
""",
            "names no obligation",
        ),
        (
            """\
kani_harnesses:
  - §{id: K-1, property: p}
""",
            "names no obligation",
        ),
        (
            """\
kani_harnesses:
  - {id: K-0, obligation: a}
  - §{bound: 8}
""",
            "harness 2 names no obligation",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
