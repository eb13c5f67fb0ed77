"""Two kani harnesses of one id."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV212"


@pytest.mark.parametrize(
    "good",
    [
        """\
kani_harnesses:
  - {id: K-1, obligation: a}
  - {id: K-2, obligation: a}
""",
        # without ids
        """\
kani_harnesses:
  - {obligation: a}
  - {obligation: a}
  - {id: '', obligation: a}
  - {id: '', obligation: a}
""",
        # of lists PV103 speaks
        """\
kani_harnesses:
  - {id: [1], obligation: a}
  - {id: [1], obligation: a}
""",
        "kani_harnesses: {K-1: {}}",
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
  - {id: K-1, obligation: a}
  - {id: §K-1, obligation: b}
""",
            "stands twice",
        ),
        (
            """\
kani_harnesses:
  - {id: 1, obligation: a}
  - {id: §'1', obligation: b}
""",
            "'1' stands twice",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
