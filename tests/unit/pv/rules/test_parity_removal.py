"""Removals that nobody answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV549"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: competitive-parity}\n'
FULL = "entry_point: a, reason: RENAMED, owner: o, recorded_on: 2026-10-05, replacement: b"


@pytest.mark.parametrize(
    "good",
    [
        KIND + "parity: {removals: [{" + FULL + "}]}",
        KIND + "parity: {removals: [{" + FULL.replace("RENAMED", "MERGED_INTO") + "}]}",
        # what was retired needs no replacement
        KIND
        + "parity: {removals: [{"
        + FULL.replace(
            "RENAMED, owner: o, recorded_on: 2026-10-05, replacement: b", "RETIRED, owner: o, recorded_on: 2026-10-05"
        )
        + "}]}",
        KIND + "parity: {rows: [{entry_point: b}], removals: [{" + FULL + "}]}",
        # the shape is for another rule to report
        KIND + "parity: {removals: [3]}",
        # other kinds have none
        "parity: {removals: [{entry_point: a}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "parity: {removals: [{" + FULL.replace("RENAMED", "§gone") + "}]}", "cannot have the reason 'gone'"),
        (KIND + "parity: {removals: [{" + FULL.replace("RENAMED", "§renamed") + "}]}", "did you mean 'RENAMED'?"),
        (KIND + "parity: {removals: [§{" + FULL.replace("reason: RENAMED, ", "") + "}]}", "gives no reason"),
        (KIND + "parity: {removals: [§{" + FULL.replace("owner: o, ", "") + "}]}", "no 'owner'"),
        (KIND + "parity: {removals: [{" + FULL.replace("owner: o", 'owner: §" "') + "}]}", "no 'owner'"),
        (KIND + "parity: {removals: [§{" + FULL.replace("entry_point: a, ", "") + "}]}", "no 'entry_point'"),
        (KIND + "parity: {removals: [{" + FULL.replace("2026-10-05", "§October") + "}]}", "since when"),
        (KIND + "parity: {removals: [§{" + FULL.replace("recorded_on: 2026-10-05, ", "") + "}]}", "since when"),
        (KIND + "parity: {removals: [§{" + FULL.replace(", replacement: b", "") + "}]}", "or say RETIRED"),
        (KIND + "parity: {removals: [{" + FULL.replace("replacement: b", 'replacement: §""') + "}]}", "or say RETIRED"),
        (KIND + "parity: {removals: [{" + FULL.replace("replacement: b", "replacement: §a") + "}]}", "replace itself"),
        (
            KIND + "parity: {rows: [{entry_point: a}], removals: [{" + FULL.replace("point: a", "point: §a") + "}]}",
            "of which rows[0] tells",
        ),
        (
            KIND
            + "parity: {downgrades: [{entry_point: a}], removals: [{"
            + FULL.replace("point: a", "point: §a")
            + "}]}",
            "of which downgrades[0] tells",
        ),
        (
            KIND + "parity: {removals: [{" + FULL + "}, {" + FULL.replace("point: a", "point: §a") + "}]}",
            "by removals[0]",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
