"""Blocks that only another kind of contract has."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV551"
META = 'metadata: {version: "1", description: d, references: [r], %s}\n'


@pytest.mark.parametrize(
    "good",
    [
        META % "kind: beat-benchmark" + "beat: {metric: a}",
        META % "kind: competitive-parity" + "parity: {rows: [{entry_point: a}]}",
        # `registry: true` changes nothing about the kind
        META % "kind: competitive-parity, registry: true" + "parity: {rows: [{entry_point: a}]}",
        # nothing is lost where nothing stands
        "beat:\nparity: {}",
        "x-parity: {rows: []}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("§beat: {metric: a}", "nothing reads 'beat' in a contract of kind 'kernel'"),
        ("§parity: {rows: []}", "kind: competitive-parity"),
        (META % "kind: pattern" + "§parity: {rows: []}", "of kind 'pattern'"),
        (META % "registry: true" + "§parity: {rows: []}", "of kind 'registry'"),
        (META % "kind: competitive-parity" + "§beat: {metric: a}", "kind: beat-benchmark"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
