"""Claims that name no suspect; the older blocks have no such field."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV209"


@pytest.mark.parametrize(
    "good",
    [
        """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q}
""",
        # the older spelling
        """\
falsification_tests:
  - {id: F-1, prediction: p, fails_if: q}
""",
        """\
falsification_conditions:
  - {id: F-2, assertion: p}
""",
        """\
invariants:
  - {id: F-2, assertion: p}
""",
        # of a list PV103 speaks
        """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: [q]}
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
falsification_tests:
  - §{id: F-1, prediction: p}
""",
            "'F-1' names no suspect",
        ),
        (
            """\
falsification_tests:
  - {id: F-1, prediction: p, §if_fails: ''}
""",
            "names no suspect",
        ),
        (
            """\
falsification_tests:
  - {id: F-1, prediction: p, §fails_if: ' '}
""",
            "names no suspect",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
