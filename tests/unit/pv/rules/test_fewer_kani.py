"""Fewer kani harnesses than obligations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV235"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {property: a}
kani_harnesses:
  - {id: K, obligation: a, bound: 8}
""",
        # without any PV224 speaks
        """\
proof_obligations:
  - {property: a}
  - {property: b}
""",
        # set aside
        """\
proof_obligations:
  - {property: a}
  - {property: b, applies_to: not_applicable}
kani_harnesses:
  - {id: K, obligation: a, bound: 8}
""",
        "kani_harnesses: {a: b}",
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
  - {property: a}
  - {property: b}
§kani_harnesses:
  - {id: K, obligation: a, bound: 8}
""",
            "1 kani harness for 2",
            Severity.NOTE,
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
