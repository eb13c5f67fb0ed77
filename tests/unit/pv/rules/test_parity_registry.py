"""A ledger that calls itself a registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV531"


@pytest.mark.parametrize(
    "good",
    [
        # a kernel may be one
        'metadata: {version: "1", description: d, references: [r], registry: true}',
        'metadata: {version: "1", description: d, references: [r], kind: competitive-parity, registry: false}',
        # the shape is for another rule to report
        'metadata: {version: "1", description: d, references: [r], kind: competitive-parity, registry: "true"}',
        'metadata: {version: "1", description: d, references: [r], kind: competitive-parity}',
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            'metadata: {version: "1", description: d, references: [r], kind: competitive-parity, §registry: true}',
            "cannot be a registry",
        ),
        (
            'metadata: {§registry: true, version: "1", description: d, references: [r], kind: competitive-parity}',
            "remove",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_the_word_exempts_it_from_nothing(rule: Tried) -> None:
    text = 'metadata: {version: "1", description: d, references: [r], kind: competitive-parity, registry: true}\n'
    codes = {one.code for one in rule.read(text + "falsification_tests: []").findings}
    assert {"PV210", "PV532"} <= codes  # asked for claims and for rows as any other
