"""Claims that predict nothing, in each block of claims."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV208"


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
  - {id: F-1, expected: p, if_fails: q}
""",
        # zero is predicted
        """\
falsification_tests:
  - {id: F-1, prediction: 0, if_fails: q}
""",
        # older blocks say it with other words
        """\
falsification_conditions:
  - {id: F-1, name: n, assertion: the sum is 1}
""",
        """\
invariants:
  - {id: F-1, summary: the sum is 1}
""",
        # an invariant that is only described is predicted to hold
        """\
invariants:
  - {id: F-1, description: the sum is 1}
""",
        # entries without an id are no claims
        """\
invariants:
  - {assertion: ''}
""",
        # of a list PV103 speaks
        """\
falsification_tests:
  - {id: F-1, prediction: [p], if_fails: q}
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
  - {id: F-1, §prediction: '', if_fails: q}
""",
            "'F-1' predicts nothing",
        ),
        (
            """\
falsification_tests:
  - §{id: F-1, if_fails: q}
""",
            "predicts nothing",
        ),
        (
            """\
falsification_tests:
  - {id: F-1, §expected: ' ', if_fails: q}
""",
            "predicts nothing",
        ),
        (
            """\
falsification_tests:
  - §{id: F-1, if_fails: q, rule: r, summary: s}
""",
            "predicts nothing",
        ),
        (
            """\
falsification_conditions:
  - {id: F-1, §assertion: '', test: t}
""",
            "predicts nothing",
        ),
        (
            """\
invariants:
  - §{id: INV-1, status: green}
""",
            "'INV-1' predicts nothing",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
