"""Tests told in prose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.pv.rules.conftest import Tried

CODE = "PV406"


@pytest.mark.parametrize(
    "good",
    [
        "cargo test -p reader",
        "reader::tests::nibbles",
        "test_nibbles",
        "tests/test_a.py::test_b",
        "scripts/check.sh",
    ],
)
def test_good(rule: Tried, tested: Callable[..., str], good: str) -> None:
    rule.accepts(tested(good))


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("§proptest with random x", "prose of a property test (not runnable)"),
        ("§Run the model on both sides", "'test' of 'F-1' is prose (not runnable)"),
        ("§direct test", "@falsifies('base-v1', 'F-1')"),
        ("§compare both\nby eye", "prose (not runnable)"),
    ],
)
def test_bad(rule: Tried, tested: Callable[..., str], bad: str, words: str) -> None:
    rule.finds(tested(bad), words, Severity.NOTE)


def test_a_claim_without_test_is_bound_by_its_falsifier(rule: Tried) -> None:
    rule.accepts("falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q}")
    rule.accepts("falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, test: ''}")
    rule.accepts("falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, test: null}")
    rule.accepts("falsification_tests:\n  - {id: F-1, prediction: p, if_fails: q, test: [a long text]}")


def test_the_older_key_is_named(rule: Tried, tested: Callable[..., str]) -> None:
    rule.finds(tested("§look at the output", key="command"), "'command' of 'F-1'")


def test_checks_of_enforcement_may_be_prose(rule: Tried) -> None:
    rule.accepts("enforcement:\n  finite: {description: d, check: a reader looks at it}")
