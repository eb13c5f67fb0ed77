"""Claims without mutants, beside others that have some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV211"


@pytest.mark.parametrize(
    "good",
    [
        """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
""",
        # nobody here speaks of mutants
        """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q}
  - {id: F-2, prediction: p, if_fails: q}
""",
        # no mapping, no mutant: PV103 speaks of it
        """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [m]}
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
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
  - {id: §F-2, prediction: p, if_fails: q}
""",
            "'F-2' names no mutant",
        ),
        (
            """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
  - {id: §F-2, prediction: p, if_fails: q, mutants: []}
""",
            "name a fault that it must refute",
        ),
        (
            """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
invariants:
  - {id: §F-3, assertion: p}
""",
            "'F-3' names no mutant",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
