"""Parameters that make no cases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV307"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "params: {a: [1, 2], b: [x, true]}}",
        CLAIM + "params: [1]}",
        CLAIM + "params: {}}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (CLAIM + "params: {§a b: [1]}}", "no name that an argument can have"),
        (CLAIM + "params: {§mutant: [1]}}", "no name that an argument can have"),
        (CLAIM + "params: {§a: [1, '1']}}", "value twice"),
        (CLAIM + "params: {§a: [[1]]}}", "no text, number or truth value"),
        (CLAIM + "params: {§a: ['']}}", "has an empty value"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
