"""Kaizen statuses outside the five words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV512"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "contract: C-1\nstatus: draft",
        KIND + "contract: C-1\nstatus: planned",
        KIND + "contract: C-1\nstatus: pending",
        KIND + "contract: C-1\nstatus: implementing",
        KIND + "contract: C-1\nstatus: implemented",
        # other kinds have words of their own
        "status: PROPOSED",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND + "contract: C-1\nstatus: §mostly-done", "one of draft, planned"),
        (KIND + "contract: C-1\nstatus: §implmented", "did you mean 'implemented'?"),
        (KIND + "contract: C-1\nstatus: §Draft", "did you mean 'draft'?"),
        (KIND + 'contract: C-1\nstatus: §"draft "', "did you mean 'draft'?"),
        (KIND + "contract: C-1\nstatus: §ACTIVE", "no status of a kaizen record"),
        (KIND + "contract: C-1\nstatus: §[draft]", "a list is no status"),
        (KIND + "contract: C-1\nstatus: §{current: draft}", "a mapping is no status"),
        (KIND + "contract: C-1\nstatus: §1", "1 is no status"),
        (KIND + 'contract: C-1\nstatus: §""', "has no status"),
        (KIND + "§contract: C-1", "has no status"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


def test_the_words_of_a_kaizen_record_are_no_unknown_status(rule: Tried) -> None:
    codes = {one.code for one in rule.read(KIND + "contract: C-1\nstatus: implemented").findings}
    assert "PV302" not in codes
