"""Benchmarks that say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV501"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "beat: {incumbent: ollama}",
        # what it lacks is for other rules
        KIND + "beat: {}",
        # the shape is for another rule to report
        KIND + "beat: [a]",
        # other kinds need none
        "equations: {}",
        "beat:",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND.replace("beat-b", "§beat-b"), "whom it beats"),
        (KIND + "§beat:", "whom it beats"),
        (KIND + "§beat: ~", "whom it beats"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
