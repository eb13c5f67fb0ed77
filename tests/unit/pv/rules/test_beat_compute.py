"""Benchmarks that do not say on what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV507"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "beat: {approved_compute: CPU}",
        KIND + "beat: {approved_compute: GPU}",
        KIND + "beat: {approved_compute: gpu}",
        KIND + "beat: {approved_compute: cpu}",
        # the shape is for another rule to report
        KIND + "beat: {approved_compute: [CPU]}",
        # other kinds have none
        "beat: {approved_compute: TPU}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "beat: {approved_compute: §TPU}", "on 'TPU'"),
        (KIND + 'beat: {approved_compute: §"CPU, GPU"}', "one of CPU, GPU"),
        (KIND + "beat: {approved_compute: §}", "no 'approved_compute'"),
        (KIND + "beat: {approved_compute: §0}", "on 0"),
        (KIND + "beat: §{metric: a}", "no 'approved_compute'"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
