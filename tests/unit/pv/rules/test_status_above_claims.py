"""Statuses that the claims of the contract deny."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pv.types import Severity

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV318"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "


@pytest.mark.parametrize(
    "good",
    [
        CLAIM + "status: OPEN}",
        "status: ACTIVE_RUNTIME\n" + CLAIM + "status: DISCHARGED}",
        "status: ACTIVE_RUNTIME\n" + CLAIM + "status: IMPLEMENTED, result: 'PASS — 3 of 3'}",
        # a draft promises nothing
        "status: DRAFT\n" + CLAIM + "status: OPEN}",
        "status: PARTIAL_ALGORITHM_LEVEL\n" + CLAIM + "status: OPEN}",
        # it expects to be refuted
        "status: ACTIVE_RUNTIME\n" + CLAIM + "expect: refuted, result: FALSIFIED}",
        # a word that nobody knows is for another rule
        "status: ACTIVE_RUNTIME\n" + CLAIM + "status: greenish}",
        "status: ACTIVE_RUNTIME\n" + CLAIM + "status: [OPEN], result: 5, discharge_status: null}",
        "status: WHATEVER\n" + CLAIM + "status: OPEN}",
        "status: [a]\n" + CLAIM + "status: OPEN}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            "status: §ACTIVE_RUNTIME\n" + CLAIM + "status: PLANNED_M3}",
            "1 of 1 claims say less: FALSIFY-A-001 is PLANNED_M3",
        ),
        (
            "status: §ACTIVE_RUNTIME\n" + CLAIM + "discharge_status: PARTIAL_ALGORITHM_LEVEL}",
            "is PARTIAL_ALGORITHM_LEVEL",
        ),
        ("status: §ACTIVE_ALGORITHM_LEVEL\n" + CLAIM + "result: 'FALSIFIED: see the log'}", "is FALSIFIED"),
        (
            "status: §DISCHARGED\nfalsification_conditions: [{id: G-1, assertion: a, status: HARD_BLOCKING_M16}]",
            "1 of 2 claims say less: G-1 is HARD_BLOCKING_M16",
        ),
        (
            'metadata: {version: "1", description: d, references: [r], status: §active}\n' + CLAIM + "status: pending}",
            "is pending",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_the_ladder_is_meant_and_another_word_may_be_meant_otherwise(rule: Tried) -> None:
    rule.finds("status: §ACTIVE_RUNTIME\n" + CLAIM + "status: OPEN}", severity=Severity.ERROR)
    rule.finds("status: §ACTIVE\n" + CLAIM + "status: OPEN}", severity=Severity.WARNING)


def test_many_claims_are_counted(rule: Tried) -> None:
    claims = "".join(f"  - {{id: G-{number}, assertion: a, status: OPEN}}\n" for number in range(9))
    rule.finds(
        f"status: §ACTIVE_RUNTIME\nfalsification_conditions:\n{claims}",
        "9 of 10 claims say less: G-0 is OPEN, G-1 is OPEN, G-2 is OPEN and 6 more",
    )
