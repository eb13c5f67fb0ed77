"""`applies_to_phase` on obligations of types that have no place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV217"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {type: loop_invariant, property: p, applies_to_phase: sum}
""",
        """\
proof_obligations:
  - {type: loop_variant, property: p, applies_to_phase: sum}
""",
        # nothing is said
        """\
proof_obligations:
  - {type: bound, property: p, applies_to_phase: }
""",
        # a misspelt type is PV103's
        """\
proof_obligations:
  - {type: loop_invarian, property: p, applies_to_phase: sum}
""",
        "proof_obligations: [text]",
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
  - {type: bound, property: p, §applies_to_phase: sum}
""",
            "proof obligation 1 is of type 'bound'",
        ),
        (
            """\
proof_obligations:
  - {type: precondition, property: p, §applies_to_phase: sum}
""",
            "take",
        ),
        (
            """\
proof_obligations:
  - {property: p, §applies_to_phase: sum}
""",
            "'invariant'",
        ),
        (
            """\
proof_obligations:
  - {type: [x], property: p, §applies_to_phase: sum}
""",
            "applies_to_phase belongs to a loop_invariant",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
