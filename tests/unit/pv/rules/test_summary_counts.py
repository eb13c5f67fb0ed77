"""Counts that do not match the file that states them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV222"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: proved}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {total_obligations: 2, l2_property_tested: 1, l3_kani_proved: 1, l4_lean_proved: 1, l4_sorry_count: 0, l4_not_applicable: 1}
""",
        # several gaps in one proof
        """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: sorry}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {total_obligations: 2, l4_sorry_count: 9}
""",
        # a schema without obligations
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
proof_obligations: []
verification_summary: {total_obligations: 4}
""",
        # all claims together
        """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
invariants:
  - {id: F-2, assertion: p}
qa_gate: {pass_criteria: 2 falsification tests}
""",
        # the tests among the claims
        """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
invariants:
  - {id: F-2, assertion: p}
qa_gate: {pass_criteria: 1 falsification tests of 2}
""",
        # nothing is said to be tested
        """\
falsification_tests: []
verification_summary: {total_obligations: 1, l2_property_tested: 0, l4_not_applicable: 1}
""",
        # other counts than that of gaps
        """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: sorry}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {l3_kani_proved: 0, l4_not_applicable: 0}
""",
        # letters that only look like a number's
        'qa_gate: {pass_criteria: "\\u017fix falsification tests"}',
        # in words
        "qa_gate: {pass_criteria: One falsification tests passes}",
        # other summaries
        "verification_summary: {current_level: 2, status: green, total_obligations: }",
        "verification_summary: text",
        # proofs of equations
        """\
equations:
  f: {formula: x, lean_theorem: T}
verification_summary: {total_obligations: 1, l4_lean_proved: 1}
""",
        # prose that is right, about parts, or about something else
        'qa_gate: {pass_criteria: "All 1 falsification tests pass, of 7 proof obligations and the first 3 Kani harnesses"}',
        'qa_gate: {pass_criteria: "1.2 falsification tests, 15 tests, 12 gates"}',
        """\
metadata: {version: "1", created: "2026-01-02", description: one falsification test of 30 proof obligations, references: [r]}
""",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: proved}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {total_obligations: §3}
""",
            "is 3, the file has 2",
            Severity.ERROR,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
verification_summary: {total_obligations: §3}
""",
            "is 3, the file has 1",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations: []
verification_summary: {total_obligations: §3}
""",
            "is 3, the file has 0",
            Severity.ERROR,
        ),
        (
            "qa_gate: {pass_criteria: §All two falsification tests pass}",
            "two falsification tests, the file has 1",
            Severity.WARNING,
        ),
        (
            """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q, mutants: [{id: m, stage: s}]}
invariants:
  - {id: F-2, assertion: p}
  - {id: F-3, assertion: p}
qa_gate: {pass_criteria: §4 falsification tests}
""",
            "has 3",
            Severity.WARNING,
        ),
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: proved}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {total_obligations: §'2'}
""",
            "whole number of 0 or more",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: proved}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {l4_sorry_count: §-1}
""",
            "whole number of 0 or more",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: proved}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {l2_property_tested: §true}
""",
            "whole number of 0 or more",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: proved}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {total_obligations: 2, l2_property_tested: §3}
""",
            "is 3, of 2 obligations",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: proved}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {total_obligations: 2, l4_not_applicable: §3}
""",
            "is 3, of 2 obligations",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: proved}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {total_obligations: 2, l3_kani_proved: §2}
""",
            "has 1 kani harnesses",
            Severity.WARNING,
        ),
        ("verification_summary: {total_obligations: 1, l3_kani_proved: §1}", "has 0 kani harnesses", Severity.ERROR),
        (
            """\
falsification_tests: []
verification_summary: {total_obligations: 1, l2_property_tested: §1}
""",
            "has no claims",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: wip}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {l4_lean_proved: §1}
""",
            "of 0 obligations is proved",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T, status: proved}}
  - {property: b}
kani_harnesses: [{id: K, obligation: a, bound: 8}]
verification_summary: {l4_lean_proved: §0}
""",
            "of 1 obligations is proved",
            Severity.WARNING,
        ),
        (
            """\
proof_obligations:
  - {property: a, lean: {theorem: T}}
verification_summary: {l4_sorry_count: §0}
""",
            "of 1 obligations is sorry",
            Severity.ERROR,
        ),
        (
            "qa_gate: {pass_criteria: §All 3 falsification tests pass}",
            "speaks of 3 falsification tests, the file has 1",
            Severity.WARNING,
        ),
        (
            "qa_gate: {pass_criteria: §All 1 falsification tests pass + 2 Kani harnesses verify}",
            "2 kani harnesses, the file has 0",
            Severity.WARNING,
        ),
        (
            'metadata: {version: "1", created: "2026-01-02", references: [r], description: §gates on Eight falsification conditions}',
            "Eight falsification conditions, the file has 1",
            Severity.WARNING,
        ),
        (
            "qa_gate: {description: §the two proof obligations}",
            "two proof obligations, the file has 1",
            Severity.WARNING,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
