"""Statuses that disagree between places of one file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV317"
META = 'metadata: {version: "1", description: d, references: [r], status: %s}\n'


@pytest.mark.parametrize(
    "good",
    [
        "status: ACTIVE_RUNTIME",
        META % "ACTIVE_RUNTIME" + "status: ACTIVE_RUNTIME",
        # case and rung are the same
        META % "active" + "status: ACTIVE_ALGORITHM_LEVEL",
        # a summary with a word of its own
        "status: DRAFT\nverification_summary: {total_obligations: 1, status: mostly}",
        META % "5" + "status: DRAFT",
        META % "[a]" + "status: {a: b}",
        "status: DRAFT\nverification_summary: []",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (META % "§DRAFT" + "status: ACTIVE_RUNTIME", "metadata.status is 'DRAFT', but status is 'ACTIVE_RUNTIME'"),
        (META % "§LIVE" + "status: SHIPPING", "metadata.status is 'LIVE'"),
        (
            "status: DRAFT\nverification_summary: {total_obligations: 1, status: §DISCHARGED}",
            "verification_summary.status is 'DISCHARGED'",
        ),
        (
            META % "DRAFT" + "verification_summary: {total_obligations: 1, status: §DISCHARGED}",
            "but metadata.status is 'DRAFT'",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
