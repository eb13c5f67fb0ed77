"""Obligations without an id that no claim tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV227"


@pytest.mark.parametrize(
    "good",
    [
        # nobody says what is tested
        """\
proof_obligations:
  - {property: a}
  - {property: b}
""",
        # named by its property
        """\
proof_obligations:
  - {id: OB-1, property: a}
  - {property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: [OB-1, B]}
""",
        # by its place
        """\
proof_obligations:
  - {id: OB-1, property: a}
  - {property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: [OB-1, 'proof_obligations[1]']}
""",
        # one with an id is PV228's
        """\
proof_obligations:
  - {id: OB-1, property: a}
  - {id: OB-2, property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: OB-1}
""",
        # set aside, or discharged elsewhere
        """\
proof_obligations:
  - {id: OB-1, property: a}
  - {property: b, applies_to: not_applicable}
  - {property: c, discharged_by: F-1}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: OB-1}
""",
        # binds_to names an equation
        """\
proof_obligations:
  - {property: a}
  - {property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], binds_to: f}
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
proof_obligations:
  - {id: OB-1, property: a}
  - §{property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: OB-1}
""",
            "proof obligation 2",
        ),
        (
            """\
proof_obligations:
  - {id: OB-1, property: a}
  - §{property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: OB-1, binds_to: f}
""",
            "no claim tests",
        ),
        (
            """\
proof_obligations:
  - {id: OB-1, property: a}
  - §{property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: 'proof_obligations[0]'}
  - {id: F-2, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: zz}
""",
            "no claim tests",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
