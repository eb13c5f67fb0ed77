"""Claims about obligations that do not apply."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV337"
CLAIM = "falsification_tests:\n  - {id: FALSIFY-A-001, prediction: p, if_fails: q, "
EXCUSED = "proof_obligations:\n  - {id: O-1, type: invariant, property: p, applies_to: not_applicable, na_reason: r, na_owner: o%s}\n  - {id: O-2, type: invariant, property: q}\n"


@pytest.mark.parametrize(
    "good",
    [
        EXCUSED % "" + CLAIM + "obligation: O-2}",
        EXCUSED % ", discharged_by: []" + CLAIM + "obligation: [1]}",
        "proof_obligations: [{id: O-1, type: invariant, property: p, applies_to: all}]\n" + CLAIM + "obligation: O-1}",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (EXCUSED % "" + CLAIM + "obligation: §O-1}", "which is said not to apply"),
        (EXCUSED % "" + CLAIM + "obligation: [O-2, §P]}", "which is said not to apply"),
        (EXCUSED % ", discharged_by: §FALSIFY-A-001" + CLAIM + "mutants: []}", "that does not apply is discharged"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
