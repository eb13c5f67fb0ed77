"""Subcontracts whose parent is no dependency."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV219"


@pytest.mark.parametrize(
    "good",
    [
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], depends_on: [softmax-v1, other-v2]}
proof_obligations:
  - {type: subcontract, property: p, parent_contract: softmax-v1}
""",
        # with the name of the file
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], depends_on: [softmax-v1, other-v2]}
proof_obligations:
  - {type: subcontract, property: p, parent_contract: contracts/softmax-v1.yaml}
""",
        # of the parent of another type PV218 speaks
        """\
proof_obligations:
  - {type: bound, property: p, parent_contract: a}
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
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], depends_on: [softmax-v1, other-v2]}
proof_obligations:
  - {type: subcontract, property: p, parent_contract: §softmax-v2}
""",
            "did you mean 'softmax-v1'?",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations:
  - {type: subcontract, property: p, parent_contract: §zzz}
""",
            "add it to metadata.depends_on",
            Severity.ERROR,
        ),
        (
            """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r], depends_on: 3}
proof_obligations:
  - {type: subcontract, property: p, parent_contract: §[a]}
""",
            "not among metadata.depends_on",
            Severity.ERROR,
        ),
        (
            """\
proof_obligations:
  - §{type: subcontract, property: p}
""",
            "proof obligation 1 is a subcontract of nothing",
            Severity.WARNING,
        ),
        (
            """\
proof_obligations:
  - {type: subcontract, property: p, §parent_contract: ''}
""",
            "subcontract of nothing",
            Severity.WARNING,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
