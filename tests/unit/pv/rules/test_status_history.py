"""Histories that do not lead to the status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.pv.rules.conftest import Tried

CODE = "PV303"


@pytest.mark.parametrize(
    "good",
    [
        "status: DRAFT\nstatus_history: [{date: 2026-01-01, to: DRAFT}]",
        # PV302 takes either, and so does the chain of the history
        "status: draft\nstatus_history: [{date: 2026-01-01, to: DRAFT}]",
        "status_history: [{date: 2026-01-01, to: DRAFT}]",
        "status: DRAFT\nstatus_history: [{date: 2026-01-01, note: n}]",
        "status: DRAFT\nstatus_history: {a: b}",
        "status: DRAFT\nstatus_history: [text, 5]",
    ],
)
def test_good(rule: Tried, good: str) -> None:
    rule.accepts(good)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (
            "status: DRAFT\nstatus_history: [{date: 2026-01-01, to: §PROPOSED}]",
            "ends at 'PROPOSED', but the status is 'DRAFT'",
        ),
    ],
)
def test_bad(rule: Tried, bad: str, words: str) -> None:
    rule.finds(bad, words)


HISTORY = """\
status: {status}
status_history:
  - {{date: "{first}", from: A, to: "{one} v1.0"}}
  - {{date: "2026-03-01", note: n}}
  - {{date: "{second}", from: B, to: {other}}}
"""


@pytest.mark.parametrize(
    ("first", "one", "second", "other", "good"),
    [
        ("2026-01-01", "PROPOSED", "2026-02-01", "ACTIVE_RUNTIME", True),
        ("2026-02-01", "PROPOSED", "2026-01-01", "ACTIVE_RUNTIME", False),
        ("2026-02-01", "ACTIVE_RUNTIME", "2026-01-01", "PROPOSED", True),
        ("2026-01-01", "PROPOSED", "2026-01-01", "ACTIVE_RUNTIME", True),
        ("2026-01-01", "ACTIVE_RUNTIME", "2026-01-01", "PROPOSED", False),
    ],
)
def test_the_newest_transition_decides(rule: Tried, first: str, one: str, second: str, other: str, good: bool) -> None:
    text = HISTORY.format(status="ACTIVE_RUNTIME", first=first, one=one, second=second, other=other)
    assert (rule.found(text) == []) is good


@pytest.mark.parametrize(("newest_first", "good"), [(True, True), (False, False)])
def test_among_equal_dates_the_direction_of_the_file_decides(rule: Tried, newest_first: bool, good: bool) -> None:
    moves = [("2026-02-01", "ACTIVE_RUNTIME"), ("2026-02-01", "PROPOSED"), ("2026-01-01", "DRAFT")]
    lines = [f"  - {{date: '{date}', to: {word}}}" for date, word in (moves if newest_first else moves[::-1])]
    text = "\n".join(
        ["status: ACTIVE_RUNTIME", "status_history:", *(lines if newest_first else [lines[0], lines[2], lines[1]])]
    )
    assert (rule.found(text) == []) is good
