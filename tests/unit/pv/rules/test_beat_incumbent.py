"""Benchmarks against nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV502"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: beat-benchmark}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "beat: {incumbent: ollama}",
        KIND + "beat: {incumbent: llama.cpp}",
        KIND + 'beat: {incumbent: "llama.cpp b4589"}',
        KIND + "beat: {incumbent: PyTorch 2.9}",
        KIND + "beat: {incumbent: scikit-learn 1.9.0}",
        KIND + "beat: {incumbent: Unsloth}",
        # the shape is for another rule to report
        KIND + "beat: {incumbent: [ollama]}",
        # other kinds have none
        "beat: {metric: a}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (KIND + 'beat: {incumbent: §""}', "no 'incumbent'", Severity.ERROR),
        (KIND + "beat: {incumbent: §}", "no 'incumbent'", Severity.ERROR),
        (KIND + "beat: §{metric: a}", "no 'incumbent'", Severity.ERROR),
        (KIND + "beat: {incumbent: §vllm}", "'vllm' is none of scikit-learn", Severity.NOTE),
        (KIND + "beat: {incumbent: §llama_cpp}", "is none of", Severity.NOTE),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
