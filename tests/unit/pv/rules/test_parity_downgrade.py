"""Downgrades that nobody answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV542"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'
FULL = "reason: SUPERSEDED, owner: o, recorded_on: 2026-05-01, recheck_by: 2026-10-28"


@pytest.mark.parametrize(
    "good",
    [
        # the last is 180 days after the first
        KIND + "parity: {downgrades: [{" + FULL + "}]}",
        KIND + "parity: {downgrades: [{" + FULL.replace("recheck_by: 2026-10-28", "recheck_by: 2026-05-02") + "}]}",
        KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "RECEIPT_MISSING") + "}]}",
        KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "HARNESS_DELETED") + "}]}",
        KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "MEASUREMENT_UNDATED") + "}]}",
        KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "COMPETITOR_UNPINNABLE") + "}]}",
        KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "HOST_UNAVAILABLE") + "}]}",
        KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "REMEASURED") + "}]}",
        # the shape is for another rule to report
        KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "[a]") + "}]}",
        # other kinds have none
        'parity: {downgrades: [{owner: ""}]}',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "§lost it") + "}]}",
            "cannot have the reason 'lost it'",
        ),
        (
            KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "§RECEIPT_MISING") + "}]}",
            "did you mean 'RECEIPT_MISSING'?",
        ),
        (KIND + "parity: {downgrades: [{" + FULL.replace("SUPERSEDED", "§") + "}]}", "gives no reason"),
        (KIND + "parity: {downgrades: [{" + FULL.replace("owner: o", 'owner: §""') + "}]}", "has no owner"),
        (KIND + "parity: {downgrades: [§{" + FULL.replace("owner: o, ", "") + "}]}", "has no owner"),
        (
            KIND + "parity: {downgrades: [{" + FULL.replace("2026-05-01", "§May") + "}]}",
            "'recorded_on' of downgrades[0] is no day",
        ),
        (
            KIND + "parity: {downgrades: [{" + FULL.replace("2026-10-28", "§2026-02-30") + "}]}",
            "'recheck_by' of downgrades[0] is no day",
        ),
        (KIND + "parity: {downgrades: [{" + FULL.replace("2026-10-28", "§") + "}]}", "has no 'recheck_by'"),
        (
            KIND + "parity: {downgrades: [{" + FULL.replace("2026-10-28", "§2026-10-29") + "}]}",
            "after 181 days; 180 are the most",
        ),
        (KIND + "parity: {downgrades: [{" + FULL.replace("2026-10-28", "§2026-05-01") + "}]}", "give a later day"),
        (KIND + "parity: {downgrades: [{" + FULL.replace("2026-10-28", "§2026-04-30") + "}]}", "give a later day"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
