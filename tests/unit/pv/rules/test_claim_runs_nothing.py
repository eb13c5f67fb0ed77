"""Claims of executable contracts that nothing runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV244"


BEFORE = """\
equations:
  f: {formula: y, domain: {x: {dtype: f32, shape: [4], range: [0, 1]}}}
  g: {formula: y, domain: x in R}
proof_obligations:
  - {id: O-1, type: frame, property: stays, applies_to: f}
  - {id: O-2, type: determinism, property: is the same, applies_to: f}
  - {id: O-3, type: bound, property: small, applies_to: g}
"""


def claim(more: str) -> str:
    return f"{BEFORE}falsification_tests:\n  - {{id: F-1, prediction: p, if_fails: q, {more}}}\n"


@pytest.mark.parametrize(
    "good",
    [
        claim("obligation: O-1"),
        claim("obligation: O-2, binds_to: f"),
        claim("test: falsifiers.a.b"),
        claim("test: in words, obligation: [O-1, O-2]"),
        claim("binds_to: g"),
        claim("binds_to: g, obligation: O-3"),
        claim("obligation: O-9"),  # PV330
        claim("obligation: 7"),
        "falsification_tests: [{id: F-1, prediction: p, if_fails: q}]",  # nothing runs by itself here
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (claim("severity: high").replace("id: F-1", "id: §F-1"), "'F-1': it names no obligation"),
        (claim("binds_to: f").replace("id: F-1", "id: §F-1"), "under 'test'"),
        (claim("obligation: §[O-1, O-2]"), "names 2 obligations"),
        (claim("obligation: §O-1 and O-2"), "names 2 obligations"),
        (claim("obligation: §[O-2], binds_to: f"), "by its id alone"),
        (claim("obligation: §stays"), "by its id alone"),
        (claim("obligation: §'proof_obligations[1]'"), "by its id alone"),
        (claim("obligation: §O-3"), "applies to no equation with an executable domain"),
        (claim("binds_to: f, obligation: §O-3"), "applies to no equation"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
