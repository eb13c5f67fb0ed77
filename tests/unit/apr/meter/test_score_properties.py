"""What the score must be whatever two sessions did."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from apr.meter.compare import compare
from apr.meter.sides import Side
from tests.action_traces import traces
from tests.unit.apr.meter.sessions import ALIEN, DONE, actions, entries, report

SESSION = st.lists(DONE, max_size=8)
SOME = st.lists(DONE, min_size=1, max_size=8)
PLACE = st.integers(0, 100)


@given(SESSION, SESSION)
@settings(max_examples=100, deadline=None)
def test_range_symmetry_and_drifts(teacher: list[Any], student: list[Any]) -> None:
    found, turned = report(teacher, student), report(student, teacher)
    assert (found.matched, found.denominator) == (turned.matched, turned.denominator)
    assert (found.teacher_actions, found.student_actions) == (len(teacher), len(student))
    if not teacher and not student:
        assert (found.score, found.verdict, found.passes) == (None, "vacuous", False)
        return
    assert found.score is not None
    assert 0 <= found.score <= 1
    assert (found.score == 1) == (not found.drifts) == (found.verdict == "agrees")
    assert (found.score == 1) == ([one.key for one in actions(teacher)] == [one.key for one in actions(student)])
    assert report(teacher, student) == found


@given(SESSION, SESSION)
@settings(max_examples=100, deadline=None)
def test_every_action_is_paired_or_in_exactly_one_drift(teacher: list[Any], student: list[Any]) -> None:
    found = report(teacher, student)
    here = [drift.teacher for drift in found.drifts if drift.teacher is not None]
    there = [drift.student for drift in found.drifts if drift.student is not None]
    assert len(set(here)) == len(here) == len(teacher) - found.matched
    assert len(set(there)) == len(there) == len(student) - found.matched
    assert here == sorted(here)


@given(SOME, PLACE, PLACE, DONE)
@settings(max_examples=100, deadline=None)
def test_every_single_change_of_a_faithful_student_costs(did: list[Any], at: int, other: int, item: Any) -> None:
    at, other = at % len(did), other % len(did)
    assert report(did, did).score == 1
    added = [*did[:at], item, *did[at:]]
    dropped = did[:at] + did[at + 1 :]
    altered = [*did[:at], ALIEN, *did[at + 1 :]]
    for student in (added, dropped, altered):
        score = report(did, student).score
        assert score is not None
        assert score < 1
    assume(did[at] != did[other])
    swapped = list(did)
    swapped[at], swapped[other] = did[other], did[at]
    score = report(did, swapped).score
    assert score is not None
    assert score < 1


@given(SOME, SESSION, PLACE)
@settings(max_examples=100, deadline=None)
def test_nothing_worse_is_scored_better(teacher: list[Any], student: list[Any], at: int) -> None:
    before = report(teacher, student).share
    assert before is not None
    at %= len(student) + 1
    added = report(teacher, [*student[:at], ALIEN, *student[at:]]).share
    assert added is not None
    assert added <= before
    assume(at < len(student))
    altered = report(teacher, [*student[:at], ALIEN, *student[at + 1 :]]).share
    assert altered is not None
    assert altered <= before
    assume(len(student) <= len(teacher))
    dropped = report(teacher, student[:at] + student[at + 1 :]).share
    assert dropped is not None
    assert dropped <= before


@given(traces(), traces())
@settings(max_examples=60, deadline=None)
def test_whole_traces_of_any_shape(one: list[Any], other: list[Any]) -> None:
    teacher, student = Side(entries(one)), Side(entries(other))
    same = compare(teacher, Side(entries(one)))
    assert same.verdict == ("agrees" if same.teacher_actions else "vacuous")
    assert same.score in {1.0, None}
    assert same.drifts == ()
    found = compare(teacher, student)
    assert found == compare(teacher, student)
    if found.verdict != "incomparable":
        assert found.score is None or 0 <= found.score <= 1
        assert (found.score == 1) == (found.verdict == "agrees")
        assert bool(found.drifts) == (found.verdict == "drifts") or found.verdict == "vacuous"
