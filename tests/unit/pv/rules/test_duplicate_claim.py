"""Ids that stand twice among the claims of one contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV207"
ONE = "{id: F-1, prediction: p, if_fails: q}"


@pytest.mark.parametrize(
    "good",
    [
        f"falsification_tests: [{ONE}]",
        # two blocks that tell of one claim are no duplicates of each other
        f"falsification_tests: [{ONE}]\nfalsification_conditions: [{{id: F-1, assertion: p}}]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [(f"falsification_tests:\n  - {ONE}\n  - {{id: §F-1, prediction: r, if_fails: s}}", "F-1")],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
