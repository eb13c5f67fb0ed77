"""Two obligations with one formal statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV206"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {property: a, formal: x > 0}
  - {property: b, formal: x < 1}
""",
        # for two targets
        """\
proof_obligations:
  - {property: a, formal: x > 0, applies_to: scalar}
  - {property: b, formal: x > 0, applies_to: simd}
""",
        # nothing is no statement
        """\
proof_obligations:
  - {property: a, formal: ''}
  - {property: b, formal: ''}
  - {property: c}
  - {property: d}
""",
        # of lists PV103 speaks
        """\
proof_obligations:
  - {property: a, formal: [x]}
  - {property: b, formal: [x]}
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
  - {property: a, formal: x > 0}
  - {property: b, formal: §x > 0}
""",
            "proof obligation 1 states already",
        ),
        (
            """\
proof_obligations:
  - {property: a, formal: x >  0, applies_to: f}
  - {property: z}
  - {property: b, verification: §'x > 0 ', applies_to: f}
""",
            "proof obligation 1",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
