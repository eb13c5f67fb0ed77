"""Obligations whose id no claim cites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV228"


@pytest.mark.parametrize(
    "good",
    [
        # of what is no id PV103 speaks
        """\
proof_obligations:
  - {id: [O-1], property: p}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q}
""",
        """\
proof_obligations:
  - {id: OB-1, property: a}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: OB-1}
""",
        # in a list in one text
        """\
proof_obligations:
  - {id: OB-1, property: a}
  - {id: OB-2, property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: 'OB-1, OB-2'}
""",
        # by another field
        """\
proof_obligations:
  - {id: OB-1, property: a}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], binds_to: OB-1}
""",
        """\
proof_obligations:
  - {id: OB-1, property: a, discharged_by: [F-1]}
""",
        # by an older block
        """\
proof_obligations:
  - {id: OB-1, property: a}
invariants:
  - {id: INV-1, assertion: p, obligation: OB-1}
""",
        # set aside
        """\
proof_obligations:
  - {id: OB-1, property: a, applies_to: not_applicable}
""",
        # without an id
        """\
proof_obligations:
  - {property: a}
  - {property: b}
""",
        # without claims PV210 speaks
        """\
proof_obligations:
  - {id: OB-1, property: a}
falsification_tests: []
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
  - {id: §OB-1, property: a}
""",
            "no claim cites obligation 'OB-1'",
        ),
        (
            """\
proof_obligations:
  - {id: OB-1, property: a}
  - {id: §OB-2, property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: OB-1}
  - {id: F-2, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: [1, {a: b}]}
""",
            "OB-2",
        ),
        (
            """\
proof_obligations:
  - {id: §OB-1, property: a}
kani_harnesses: [{id: K, obligation: OB-1, bound: 8}]
""",
            "no claim cites",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
