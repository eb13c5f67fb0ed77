"""Contracts without a date of creation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV226"


@pytest.mark.parametrize(
    "good",
    [
        """\
metadata: {version: "1", created: "2026-01-02", description: d, references: [r]}
""",
        # whether it is a date is for another rule
        'metadata: {version: "1", created: 3, description: d, references: [r]}',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words", "severity"),
    [
        (
            'metadata: {version: "1", §created: "", description: d, references: [r]}',
            "created is missing",
            Severity.NOTE,
        ),
        ('§metadata: {version: "1", description: d, references: [r]}', "created is missing", Severity.NOTE),
        ('metadata: {version: "1", §created: , description: d, references: [r]}', "created is missing", Severity.NOTE),
    ],
)
def test_bad(rule: Tried, bad: str, words: str, severity: Severity) -> None:
    rule.finds(bad, words, severity)
