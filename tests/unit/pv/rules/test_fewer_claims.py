"""Fewer claims than obligations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV225"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {property: a}
  - {property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
  - {id: F-2, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
""",
        # claims of older blocks count
        """\
proof_obligations:
  - {property: a}
  - {property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
invariants:
  - {id: F-2, assertion: p}
""",
        # set aside, or discharged elsewhere
        """\
proof_obligations:
  - {property: a}
  - {property: b, applies_to: not_applicable}
  - {property: c, discharged_by: F-1}
""",
        # a claim that says what it tests is taken at its word
        """\
proof_obligations:
  - {property: a}
  - {property: b}
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}], obligation: a}
""",
        # no claims at all is PV210
        """\
proof_obligations:
  - {property: a}
  - {property: b}
falsification_tests: []
""",
        # other kinds are not asked
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: pattern}
proof_obligations:
  - {property: a}
  - {property: b}
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
  - {property: a}
  - {property: b}
§falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
""",
            "2 proof obligations, and 1",
        ),
        (
            """\
proof_obligations:
  - {property: a}
  - {property: b}
falsification_tests: []
§invariants:
  - {id: F-2, assertion: p}
""",
            "2 proof obligations, and 1",
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: competitive-parity}
proof_obligations:
  - {property: a}
  - {property: b}
§falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
""",
            "2 proof obligations",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
