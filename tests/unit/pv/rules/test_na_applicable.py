"""Reasons for setting aside an obligation that applies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV221"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {property: p, applies_to: not_applicable, na_reason: r, na_owner: o}
""",
        """\
proof_obligations:
  - {property: p, applies_to: all}
""",
        # nothing is said
        """\
proof_obligations:
  - {property: p, na_reason: , na_owner: ''}
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
  - {property: p, §na_reason: r, applies_to: all}
""",
            "has na_reason, and applies",
        ),
        (
            """\
proof_obligations:
  - {property: p, §na_owner: o}
""",
            "proof obligation 1 has na_owner",
        ),
        (
            """\
proof_obligations:
  - {property: p, na_owner: o, §na_reason: r}
""",
            "has na_reason and na_owner",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
