"""Rows that leave out who, what or how."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV534"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'
FULL = "competitor: c, invocation_apr: a, invocation_competitor: b, dimension: d, owner: o, evidence: e"


@pytest.mark.parametrize(
    "good",
    [
        KIND + f"parity: {{rows: [{{{FULL}}}]}}",
        # the shape is for another rule to report
        KIND + "parity: {rows: [{" + FULL.replace("owner: o", "owner: [o]") + "}]}",
        # other kinds have no rows
        'parity: {rows: [{owner: ""}]}',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            KIND + "parity: {rows: [{" + FULL.replace("competitor: c", 'competitor: §""') + "}]}",
            "competitor' of rows[0] is empty",
        ),
        (
            KIND + "parity: {rows: [{" + FULL.replace("invocation_apr: a", 'invocation_apr: §""') + "}]}",
            "invocation_apr' of rows[0] is empty",
        ),
        (
            KIND + "parity: {rows: [{" + FULL.replace("invocation_competitor: b", 'invocation_competitor: §""') + "}]}",
            "invocation_competitor' of rows[0] is empty",
        ),
        (
            KIND + "parity: {rows: [{" + FULL.replace("dimension: d", 'dimension: §""') + "}]}",
            "dimension' of rows[0] is empty",
        ),
        (KIND + "parity: {rows: [{" + FULL.replace("owner: o", 'owner: §""') + "}]}", "owner' of rows[0] is empty"),
        (
            KIND + "parity: {rows: [{" + FULL.replace("evidence: e", 'evidence: §""') + "}]}",
            "evidence' of rows[0] is empty",
        ),
        (KIND + "parity: {rows: [{" + FULL.replace("owner: o", 'owner: §"  "') + "}]}", "'owner' of rows[0] is empty"),
        (KIND + "parity: {rows: [§{" + FULL.replace(", evidence: e", "") + "}]}", "rows[0] lacks 'evidence'"),
        (
            KIND + "parity: {rows: [{" + FULL + "}, §{entry_point: x}]}",
            "rows[1] lacks 'competitor', 'invocation_apr', 'invocation_competitor', 'dimension', 'owner', 'evidence'",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
