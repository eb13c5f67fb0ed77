"""Contracts that name no source."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV201"


@pytest.mark.parametrize(
    "good",
    [
        'metadata: {version: "1", description: d, references: [a paper]}',
        # a list of anything is for the schema to judge
        'metadata: {version: "1", description: d, references: [1]}',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ('metadata: §{version: "1", description: d}', "references is empty"),
        ('metadata: {version: "1", description: d, §references: []}', "name at least one source"),
        ('metadata: {version: "1", description: d, §references: }', "references is empty"),
        ('metadata: {version: "1", description: d, §references: ["  ", ]}', "references is empty"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
