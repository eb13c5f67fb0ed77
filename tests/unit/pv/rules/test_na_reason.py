"""Obligations set aside without a reason or an owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV220"


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
        """\
proof_obligations:
  - {property: p, applies_to: [not_applicable]}
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
  - {property: p, applies_to: §not_applicable}
""",
            "proof obligation 1 is set aside without na_reason and na_owner",
        ),
        (
            """\
proof_obligations:
  - {property: p, applies_to: §not_applicable, na_reason: r}
""",
            "without na_owner",
        ),
        (
            """\
proof_obligations:
  - {property: p, applies_to: §not_applicable, na_reason: ' ', na_owner: o}
""",
            "without na_reason",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
