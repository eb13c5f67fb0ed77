"""`requires` on obligations of types that have no place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV216"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {type: postcondition, property: p, requires: x is finite}
""",
        # nothing is said
        """\
proof_obligations:
  - {type: bound, property: p, requires: }
""",
        # a misspelt type is PV103's
        """\
proof_obligations:
  - {type: postconditio, property: p, requires: x is finite}
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
  - {type: bound, property: p, §requires: x is finite}
""",
            "proof obligation 1 is of type 'bound'",
        ),
        (
            """\
proof_obligations:
  - {type: precondition, property: p, §requires: x is finite}
""",
            "take",
        ),
        (
            """\
proof_obligations:
  - {property: p, §requires: x is finite}
""",
            "'invariant'",
        ),
        (
            """\
proof_obligations:
  - {type: [x], property: p, §requires: x is finite}
""",
            "requires belongs to a postcondition",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
