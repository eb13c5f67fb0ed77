"""Benchmarks that cannot be lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV505"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "beat: {beat_threshold: 1.05}",
        KIND + "beat: {beat_threshold: 0}",
        KIND + "beat: {beat_threshold: -3}",
        KIND + "beat: {beat_threshold: 1e-6}",
        KIND
        + "beat: {beat_threshold: 9999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999}",
        # the shape is for another rule to report
        KIND + "beat: {beat_threshold: soon}",
        KIND + "beat: {beat_threshold: true}",
        KIND + "beat: {beat_threshold: [1]}",
        # other kinds have none
        "beat: {beat_threshold: .inf}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "beat: {beat_threshold: §.inf}", "against inf"),
        (KIND + "beat: {beat_threshold: §-.inf}", "against -inf"),
        (KIND + "beat: {beat_threshold: §.nan}", "against nan"),
        (KIND + "beat: {beat_threshold: §1e999}", "against inf"),
        (KIND + "beat: {beat_threshold: §}", "no 'beat_threshold'"),
        (KIND + "beat: §{metric: a}", "no 'beat_threshold'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
