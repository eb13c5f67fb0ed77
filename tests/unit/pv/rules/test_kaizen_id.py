"""Kaizen records without a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV511"
KIND = 'metadata: {version: "1.0.0", description: d, references: [r], kind: kaizen}\n'


@pytest.mark.parametrize(
    "good",
    [
        KIND + "contract: C-1\nkaizen: 061",
        # a number will do
        KIND + "contract: 61",
        # other kinds have none
        "kaizen: 061",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (KIND.replace("kaizen}", "§kaizen}"), "records nothing"),
        (KIND + "§kaizen: 061\nstatus: draft", "has no id"),
        (KIND + 'contract: §""\nkaizen: 061', "has no id"),
        (KIND + "contract:§\nkaizen: 061", "has no id"),
        (KIND + "contract: §[C-1]", "is text"),
        (KIND + "contract: §{id: C-1}", "is text"),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)
