"""Kernels and competitive parity without obligations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV223"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {property: p}
""",
        # other kinds are asked by PV232
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: schema}
proof_obligations: []
""",
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], registry: true}
proof_obligations: []
""",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        ("§proof_obligations: []", "kernel contract without", Severity.WARNING),
        ("§proof_obligations:", "without metadata.kind", Severity.WARNING),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: kernel}
§proof_obligations: []
""",
            "None",
            Severity.WARNING,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: competitive-parity}
§proof_obligations: []
""",
            "competitive-parity contract",
            Severity.WARNING,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
