"""Obligations that speak of closeness and give no number for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV231"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {property: p, formal: '0 <= y <= 1'}
""",
        """\
proof_obligations:
  - {property: p, formal: 'sqrt(v + eps) > 0 when eps > 0'}
""",
        """\
proof_obligations:
  - {property: p, formal: '|gelu(x) - approx(x)| < 0.005'}
""",
        """\
proof_obligations:
  - {property: p, formal: 'Q4K ~ 5 GB (within 20%)'}
""",
        """\
proof_obligations:
  - {property: p, formal: '|d| < delta_max'}
""",
        """\
proof_obligations:
  - {property: p, formal: 'x < epsilons'}
""",
        """\
proof_obligations:
  - {property: p, formal: 'a <= b + epsilon_0'}
""",
        """\
proof_obligations:
  - {property: p, formal: 'the rows stay within the data'}
""",
        """\
proof_obligations:
  - {property: p, formal: 'x >= eps'}
""",
        """\
proof_obligations:
  - {property: p, formal: 'never approximated'}
""",
        # the number beside it
        """\
proof_obligations:
  - {property: p, formal: '|a - b| < ε', tolerance: 1e-6}
""",
        # in words
        """\
proof_obligations:
  - {property: SIMD matches scalar within 4 ULP}
""",
        """\
proof_obligations:
  - {property: "a ≈ b", formal: '|a - b| <= 1e-6'}
""",
        """\
proof_obligations:
  - {property: "|a - b| < eps, with eps = 1e-5"}
""",
        """\
proof_obligations:
  - {property: "a ≈ b, to 0.1%"}
""",
        """\
proof_obligations:
  - {property: SIMD matches scalar within one ULP}
""",
        # zero is one
        """\
proof_obligations:
  - {property: p, formal: 'a ≈ b', tolerance: 0}
""",
        # at the equation that it applies to
        """\
equations:
  f: {formula: x, tolerance: 1e-6}
proof_obligations:
  - {property: p, formal: 'a ≈ b', applies_to: f}
""",
        # of lists PV103 speaks
        """\
proof_obligations:
  - {property: [p], formal: [≈]}
""",
        # set aside
        """\
proof_obligations:
  - {property: a ≈ b, applies_to: not_applicable}
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
  - {property: p, formal: §'|fused(x) - plain(x)| < ε'}
""",
            "< ε",
        ),
        (
            """\
proof_obligations:
  - {property: p, formal: §'mean <= eps for each j'}
""",
            "<= eps",
        ),
        (
            """\
proof_obligations:
  - {property: p, formal: §'RMS(y) ≈ 1'}
""",
            "≈",
        ),
        (
            """\
proof_obligations:
  - {property: p, formal: §'a == b within numerical tolerance'}
""",
            "within numerical tolerance",
        ),
        (
            """\
proof_obligations:
  - {property: p, formal: §'equal within ULP'}
""",
            "within ULP",
        ),
        (
            """\
proof_obligations:
  - {property: p, formal: §'‖y‖ ≤ ‖x‖ + ε'}
""",
            "+ ε",
        ),
        (
            """\
proof_obligations:
  - {property: p, formal: §'x ± tol'}
""",
            "± tol",
        ),
        (
            """\
proof_obligations:
  - {property: §matches within ULP}
""",
            "proof obligation 1 says 'within ULP'",
        ),
        (
            """\
proof_obligations:
  - {statement: §a ≈ b, formal: x, applies_to: f}
""",
            "≈",
        ),
        # numbers that say what it is close to, or how many
        (
            """\
proof_obligations:
  - {property: §y ≈ 0.5 for 16 rows, formal: '0 <= y <= 1'}
""",
            "≈",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
