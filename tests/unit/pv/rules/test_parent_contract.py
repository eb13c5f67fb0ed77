"""`parent_contract` on obligations of types that have no place for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV218"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {type: subcontract, property: p, parent_contract: a-v1}
""",
        # nothing is said
        """\
proof_obligations:
  - {type: bound, property: p, parent_contract: }
""",
        # a misspelt type is PV103's
        """\
proof_obligations:
  - {type: subcontrac, property: p, parent_contract: a-v1}
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
  - {type: bound, property: p, §parent_contract: a-v1}
""",
            "proof obligation 1 is of type 'bound'",
        ),
        (
            """\
proof_obligations:
  - {type: precondition, property: p, §parent_contract: a-v1}
""",
            "take",
        ),
        (
            """\
proof_obligations:
  - {property: p, §parent_contract: a-v1}
""",
            "'invariant'",
        ),
        (
            """\
proof_obligations:
  - {type: [x], property: p, §parent_contract: a-v1}
""",
            "parent_contract belongs to a subcontract",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
