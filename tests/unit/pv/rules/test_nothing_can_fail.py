"""Contracts in which nothing could fail: inert ones, and kernels without anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV210"


@pytest.mark.parametrize(
    "good",
    [
        """\
falsification_tests:
  - {id: F-1, prediction: p, if_fails: q}
""",
        # claims of older blocks
        """\
falsification_tests: []
falsification_conditions:
  - {id: F-1, assertion: p}
""",
        """\
falsification_tests: []
invariants:
  - {id: F-1, assertion: p}
""",
        # a catalogue: data, and nothing to prove
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: tokenizer}
x-rows: [1]
equations: {}
proof_obligations: []
falsification_tests: []
""",
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], registry: true}
x-rows: [1]
equations: {}
proof_obligations: []
falsification_tests: []
""",
        # a kaizen record, which its invariants can contradict
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: kaizen}
invariants: [outputs are the same]
equations: {}
proof_obligations: []
falsification_tests: []
""",
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: pattern}
x-rows: [1]
equations: {}
proof_obligations: []
falsification_tests: []
""",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        ("§falsification_tests: []", "no claims about equations", Severity.ERROR),
        (
            """\
§falsification_tests: []
equations: {}
proof_obligations: []
""",
            "could fail: no claims write claims under",
            Severity.ERROR,
        ),
        (
            """\
§falsification_tests: []
equations: {}
""",
            "without metadata.kind",
            Severity.ERROR,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: competitive-parity}
equations: {}
proof_obligations: []
§falsification_tests: []
""",
            "nothing that could fail",
            Severity.ERROR,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: competitive-parity, registry: true}
equations: {}
proof_obligations: []
§falsification_tests: []
""",
            "nothing that could fail",
            Severity.ERROR,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: tokenizer}
§falsification_tests: []
""",
            "about equations, proof_obligations",
            Severity.WARNING,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], registry: true}
proof_obligations: []
§falsification_tests: []
""",
            "about equations",
            Severity.WARNING,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
equations: {}
proof_obligations: []
§falsification_tests: []
type_invariants: [{name: n, type: T, predicate: p}]
""",
            "about type_invariants",
            Severity.WARNING,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
equations: {}
proof_obligations: []
§falsification_tests: []
kani_harnesses: [{id: K, obligation: o}]
""",
            "about kani_harnesses",
            Severity.WARNING,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
equations: {}
proof_obligations: []
§falsification_tests: []
falsification: [{id: F-1}]
""",
            "under falsification is no claim",
            Severity.WARNING,
        ),
        ("§falsification_tests: [text]", "under falsification_tests is no claim", Severity.ERROR),
        (
            """\
§falsification_tests: []
invariants: [{assertion: p}]
""",
            "under invariants is no claim",
            Severity.ERROR,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
