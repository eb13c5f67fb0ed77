"""Obligations that do not say what must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV205"


@pytest.mark.parametrize(
    "good",
    [
        """\
proof_obligations:
  - {type: bound, property: x}
""",
        # the later spelling
        """\
proof_obligations:
  - {type: bound, statement: x}
""",
        "proof_obligations: []",
        # of another shape PV103 speaks
        "proof_obligations: {a: b}",
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
  - {type: bound, §property: ''}
""",
            "proof obligation 1",
        ),
        (
            """\
proof_obligations:
  - {property: a}
  - {type: bound, §property: '  '}
""",
            "proof obligation 2",
        ),
        (
            """\
proof_obligations:
  - §{type: bound, formal: x > 0}
""",
            "has no property",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
