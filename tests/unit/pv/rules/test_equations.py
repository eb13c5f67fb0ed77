"""Kernels without equations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV203"


@pytest.mark.parametrize(
    "good",
    [
        """\
equations:
  f: {formula: x}
""",
        # a list of them
        """\
equations:
  - {id: f, formula: x}
""",
        # contracts of other kinds may be without
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: tokenizer}
equations: {}
""",
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: pattern}
x-rows: []
""",
        # a registry of data, by either way of saying so
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], registry: true}
equations: {}
""",
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: registry}
equations: {}
""",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("§equations: {}", "without metadata.kind"),
        ("§equations: []", "kernel contract without equations"),
        ("§equations:", "without equations"),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], kind: kernel}
§equations: {}
""",
            "None",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
