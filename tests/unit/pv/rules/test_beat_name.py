"""Benchmarks without a metric or a gate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV503"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "beat: {metric: a, ci_gate_name: b}",
        # the shape is for another rule to report
        KIND + "beat: {metric: [a], ci_gate_name: {}}",
        # other kinds have none
        "beat: {metric: a}",
        # no block at all is for another rule
        KIND,
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + 'beat: {metric: a, ci_gate_name: §""}', "no 'ci_gate_name'"),
        (KIND + 'beat: {metric: §" ", ci_gate_name: b}', "no 'metric'"),
        (KIND + "beat: §{metric: a}", "name the test or job"),
        (KIND + "beat: §{ci_gate_name: a}", "say what is measured"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
