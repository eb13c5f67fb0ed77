"""Targets without anything to compare them with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV514"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "baseline: {a: 1, b: 2}\ntarget: {a: 0, c: 3}",
        KIND + "baseline: {before: {a: 1}, after: {a: 0}}",
        # a target that is not there
        KIND + "baseline: {a: 1}\ntarget:",
        KIND + "contract: C-1",
        # other kinds may have other targets
        "target: 3",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "target: §fast", "maps metrics"),
        (KIND + "baseline: {a: 1}\ntarget: §[a]", "maps metrics"),
        (KIND + "§target: {a: 0}", "without a baseline"),
        (KIND + "target: {a: 0}\nbaseline: §slow", "without a baseline"),
        (KIND + "baseline: {a: 1}\n§target: {b: 0}", "'baseline' and 'target' share no metric"),
        (KIND + "baseline: {a: 1}\n§target: {}", "share no metric"),
        (KIND + "baseline: {before: {a: 1}, §after: {b: 0}}", "'before' and 'after' share no metric"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
