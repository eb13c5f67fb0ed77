"""Conditions that nobody can check."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV320"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "pending: [{package: torch, note: n}, {until: 2026-12-31}, {my-probe: x}]}",
        CLAIM + "pending: torch}",
        CLAIM + "pending: [torch, 5]}",
        CLAIM + "pending: [{model: [a]}]}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (CLAIM + "pending: [{§packge: torch}]}", "did you mean 'package'?"),
        (CLAIM + "pending: [§{package: torch, file: x}]}", "names 2 things"),
        (CLAIM + "pending: [§{note: n}]}", "waits for nothing"),
        (CLAIM + "pending: [{§model: ' '}]}", "names no model"),
        (CLAIM + "pending: [{§until: 2026-02-30}]}", "no day"),
        (CLAIM + "pending: [{§until: '20260201'}]}", "no day"),
        (CLAIM + "pending: [{§file: /a/**/b}]}", "searches whole disks"),
        (CLAIM + "pending: [{§env: A=1}]}", "the name of no variable"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
