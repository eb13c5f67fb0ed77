"""Benchmarks that do not say which way is better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV504"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "beat: {direction: higher_is_better}",
        KIND + "beat: {direction: lower_is_better}",
        # the shape is for another rule to report
        KIND + "beat: {direction: [a]}",
        # other kinds have none
        "beat: {direction: up}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "beat: {direction: §higher}", "'higher' is no direction"),
        (KIND + "beat: {direction: §LOWER_IS_BETTER}", "is no direction"),
        (KIND + 'beat: {direction: §" higher_is_better"}', "did you mean 'higher_is_better'?"),
        (KIND + "beat: {direction: §}", "no 'direction'"),
        (KIND + "beat: §{metric: a}", "no 'direction'"),
        (KIND + "beat: {direction: §true}", "True is no direction"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
