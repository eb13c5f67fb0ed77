"""A version that says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV202"


@pytest.mark.parametrize(
    "good",
    [
        'metadata: {version: "1.0.0", description: d, references: [r]}',
        # a number is taken as its text
        "metadata: {version: 1.0, description: d, references: [r]}",
        "metadata: {version: 0, description: d, references: [r]}",
        # an absent version is a missing field, PV103
        "metadata: {description: d, references: [r]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ('metadata: {§version: "", description: d, references: [r]}', "version is empty"),
        ('metadata: {§version: "  ", description: d, references: [r]}', "version is empty"),
        ("metadata: {§version: , description: d, references: [r]}", "version is empty"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
