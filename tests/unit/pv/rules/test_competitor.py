"""Stories taken from nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV522"


@pytest.mark.parametrize(
    "good",
    [
        'metadata: {version: "1", description: d, references: [r], competitor: ollama}',
        # no list is closed
        'metadata: {version: "1", description: d, references: [r], competitor: somebody new}',
        # most contracts have none
        'metadata: {version: "1", description: d, references: [r], competitor: }',
        "stories: [{competitor: ollama}, {competitor: llama_cpp}, {competitor: none}, {competitor: ollama}]",
        # names without a letter are not one name
        'stories: [{competitor: "?"}, {competitor: "!"}]',
        # the shape is for another rule to report
        "stories: [{competitor: [a]}, 3]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (
            'metadata: {version: "1", description: d, references: [r], competitor: §""}',
            "'competitor' is empty",
            Severity.ERROR,
        ),
        (
            'metadata: {version: "1", description: d, references: [r], competitor: §"  "}',
            "'competitor' is empty",
            Severity.ERROR,
        ),
        ("stories: [§{id: a}]", "stories[0] has no 'competitor'", Severity.ERROR),
        ('stories: [{competitor: §""}]', "whose program", Severity.ERROR),
        ("stories: [{competitor: §}]", "whose program", Severity.ERROR),
        (
            "stories: [{competitor: §llama.cpp}, {competitor: llama_cpp}, {competitor: llama_cpp}]",
            "'llama.cpp' is spelt 'llama_cpp' in other rows",
            Severity.WARNING,
        ),
        ("stories: [{competitor: ollama}, {competitor: §Ollama}]", "is spelt 'ollama'", Severity.WARNING),
        ('stories: [{competitor: ollama}, {competitor: §" ollama "}]', "one name, one spelling", Severity.WARNING),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
