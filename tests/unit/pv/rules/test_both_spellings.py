"""One field under two spellings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.source import Source

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV104"
CLAIM = "falsification_tests:\n  - {id: F-1, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "rule: r, prediction: p, test: t}",
        CLAIM + "description: r, expected: p, command: t}",
        CLAIM + "rule: r, expected: p, name: n, test_harness: h}",
        "falsification_conditions:\n  - {id: F-1, rule: r, description: d, assertion: a}",
        "invariants:\n  - {id: F-1, test: t, command: c}",
        "falsification_tests: {rule: r, description: d}",
        "falsification_tests: [rule, description, null]",
        "equations:\n  f: {formula: x, description: d}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (CLAIM + "rule: r, §description: d}", "both 'description', \"d\", and 'rule'"),
        (CLAIM + "§expected: 1, prediction: p}", "both 'expected', 1, and 'prediction'"),
        (CLAIM + "test: null, §command: [a]}", "both 'command', [\"a\"], and 'test'"),
        ("falsification_tests:\n  - {id: F-1, if_fails: q, §fails_if: q}", "'fails_if'"),
        (CLAIM + "prediction: p, §'expected': " + "é" * 99 + "}", "é" * 38 + "…"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    assert rule.finds(bad, words).fix is None


def test_each_field_is_told_apart(rule: Tried) -> None:
    found = rule.found(CLAIM + "rule: r, description: d, test: t, command: c, fails_if: f}")
    assert [one.message.split("'")[1] for one in found] == ["description", "command", "fails_if"]


def test_both_places_and_both_values_are_told(rule: Tried) -> None:
    claim = CLAIM + "rule: r, description: d}"
    (found,) = rule.found(claim)
    text = rule.whole(claim)
    other = Source("", text).locate(text.index("rule: r"))
    assert found.message == f"both 'description', \"d\", and 'rule' at {other.line}:{other.col}, \"r\""
    assert (found.span.line, found.span.col) == (other.line, other.col + len("rule: r, "))
