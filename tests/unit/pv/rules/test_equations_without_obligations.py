"""Equations of a contract of data, without obligations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV232"


@pytest.mark.parametrize(
    "good",
    [
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
proof_obligations:
  - {property: p}
""",
        # of kernels PV223 speaks
        "proof_obligations: []",
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: competitive-parity}
proof_obligations: []
""",
        # no equations
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
equations: {}
proof_obligations: []
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
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
§equations:
  f: {formula: x}
proof_obligations: []
""",
            "1 equation, and nothing",
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], registry: true}
§equations:
  f: {formula: x}
  g: {formula: x}
proof_obligations: []
""",
            "2 equations",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
