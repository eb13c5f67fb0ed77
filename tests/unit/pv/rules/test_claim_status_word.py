"""States of claims that nobody knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV327"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "status: OPEN}",
        CLAIM + "status: PLANNED_M0}",
        CLAIM + "status: HARD_BLOCKING_M16}",
        CLAIM + "status: pending}",
        CLAIM + "status: IMPLEMENTED}",
        CLAIM + "status: 'VERIFIED — 3 of 3'}",
        CLAIM + "status: 'PASS: all'}",
        CLAIM + "status: UNBLOCKED}",
        CLAIM + "status: ACTIVE_RUNTIME}",
        CLAIM + "status: not-started}",
        CLAIM + "status: 5}",
        CLAIM + "status: null}",
        CLAIM + "status: [a]}",
        CLAIM + "status: '—'}",
        # the result is prose
        CLAIM + "result: whatever came of it}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (CLAIM + "status: §green-ish}", "nobody knows the status 'GREEN_ISH'"),
        (CLAIM + "discharge_status: §IMPLEMENTD}", "did you mean 'IMPLEMENTED'?"),
        ("falsification_conditions: [{id: G-1, assertion: a, status: §PLANED_M3}]", "did you mean 'PLANNED'?"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_a_near_miss_weighs_more(rule: Tried) -> None:
    rule.finds(CLAIM + "status: §IMPLEMENTD}", severity=Severity.WARNING)
    rule.finds(CLAIM + "status: §greenish}", severity=Severity.NOTE)
