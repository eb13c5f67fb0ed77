"""Demands that are no score from 1 to 5."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV521"


@pytest.mark.parametrize(
    "good",
    [
        'metadata: {version: "1", description: d, references: [r], demand_score: 1}',
        'metadata: {version: "1", description: d, references: [r], demand_score: 2}',
        'metadata: {version: "1", description: d, references: [r], demand_score: 5}',
        # most contracts have none
        'metadata: {version: "1", description: d, references: [r]}',
        "stories: [{demand_score: 1}, {demand_score: 5}]",
        # the shape is for another rule to report
        "stories: [{demand_score: five}, {demand_score: [1]}, {demand_score: true}, 3]",
        "stories: {demand_score: 9}",
        'metadata: {version: "1", description: d, references: [r], demand_score: "9"}',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ('metadata: {version: "1", description: d, references: [r], demand_score: §0}', "a demand of 0"),
        ('metadata: {version: "1", description: d, references: [r], demand_score: §6}', "a demand of 6"),
        ('metadata: {version: "1", description: d, references: [r], demand_score: §-1}', "a demand of -1"),
        ('metadata: {version: "1", description: d, references: [r], demand_score: §99999}', "a demand of 99999"),
        ("stories: [{demand_score: §0}]", "stories[0] has a demand of 0"),
        ("stories: [{demand_score: 1}, {demand_score: §6}]", "stories[1] has a demand of 6"),
        ("stories: [{demand_score: §0.5}]", "from 1 to 5"),
        ("stories: [{demand_score: §5.5}]", "from 1 to 5"),
        ("stories: [§{id: a}]", "stories[0] has no 'demand_score'"),
        ("stories: [{demand_score: §.nan}]", "demand of nan"),
        ("stories: [{demand_score: §" + "9" * 60 + "}]", "99999…"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
