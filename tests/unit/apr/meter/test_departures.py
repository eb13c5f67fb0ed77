"""Which drift is said of what: each category by a pair that has it, and the order in which they are told."""

from __future__ import annotations

from typing import Any

import pytest

from apr.meter.course import Course, Stop, course_drifts, course_of
from apr.meter.drift import Category
from tests.action_traces import answer, end, text, with_calls
from tests.unit.apr.meter.sessions import bash, entries, fired, read, report, shorts, used

CASES: dict[str, tuple[list[Any], list[Any], list[str]]] = {
    "input": ([bash("ls")], [bash("ls -l")], ["mismatched_tool_input 0 0 Bash"]),
    "result": ([bash("ls", "x")], [bash("ls", "y")], ["mismatched_tool_result 0 0 Bash"]),
    "name": ([bash("ls")], [read("ls")], ["mismatched_tool_name 0 0 Bash"]),
    "missing": ([bash("ls"), read("a")], [read("a")], ["missing_tool_call 0 - Bash"]),
    "extra": ([read("a")], [bash("ls"), read("a")], ["extra_tool_call - 0 Bash"]),
    "hook": ([fired("Stop")], [fired("Stop", "warn")], ["mismatched_hook_event 0 0 Stop"]),
    "another hook": ([fired("Stop")], [fired("SubagentStop")], ["mismatched_hook_event 0 0 Stop"]),
    "missing hook": ([fired("Stop"), read("a")], [read("a")], ["missing_hook_event 0 - Stop"]),
    "extra hook": ([read("a")], [read("a"), fired("Stop")], ["extra_hook_event - 1 Stop"]),
    "another skill": ([used("tidy")], [used("plan")], ["mismatched_skill_invocation 0 0 tidy"]),
    "missing skill": ([used("tidy"), read("a")], [read("a")], ["missing_skill_invocation 0 - tidy"]),
    "extra skill": ([read("a")], [used("tidy"), read("a")], ["extra_skill_invocation - 0 tidy"]),
    "kind": ([used("tidy")], [read("a")], ["mismatched_action_kind 0 0 tidy"]),
    "swap": ([bash("ls"), read("a")], [read("a"), bash("ls")], ["turn_order_skew 1 0 Read"]),
    "same call before same tool": (
        [bash("ls", "x"), bash("make")],
        [bash("cc"), bash("ls", "y")],
        ["mismatched_tool_result 0 1 Bash", "mismatched_tool_input 1 0 Bash"],
    ),
    "same tool before any tool": (
        [read("a"), bash("ls")],
        [bash("make"), read("b")],
        ["mismatched_tool_input 0 1 Read", "mismatched_tool_input 1 0 Bash"],
    ),
    "same kind before any kind": (
        [used("tidy"), bash("ls")],
        [read("b"), used("plan")],
        ["mismatched_skill_invocation 0 1 tidy", "mismatched_tool_name 1 0 Bash"],
    ),
    "within a gap before across gaps": (
        [bash("x"), read("a"), read("b")],
        [bash("y"), read("a"), read("b"), bash("x")],
        ["mismatched_tool_input 0 0 Bash", "extra_tool_call - 3 Bash"],
    ),
    "each moved action once": (
        [bash("x"), bash("x"), read("a"), read("b"), read("c")],
        [read("a"), read("b"), read("c"), bash("x")],
        ["turn_order_skew 0 3 Bash", "missing_tool_call 1 - Bash"],
    ),
    "each action of a gap once": (
        [bash("x"), bash("y"), read("a")],
        [bash("z"), read("a")],
        ["mismatched_tool_input 0 0 Bash", "missing_tool_call 1 - Bash"],
    ),
    "the first of two that moved": (
        [bash("x"), read("a"), read("b")],
        [read("a"), read("b"), bash("x"), bash("x")],
        ["turn_order_skew 0 2 Bash", "extra_tool_call - 3 Bash"],
    ),
    "extras behind the teacher's of their gap": (
        [bash("p"), read("a"), read("b"), fired("Stop")],
        [bash("q"), bash("r"), read("a"), used("tidy"), read("b")],
        [
            "mismatched_tool_input 0 0 Bash",
            "extra_tool_call - 1 Bash",
            "extra_skill_invocation - 3 tidy",
            "missing_hook_event 3 - Stop",
        ],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_drifts_of_a_pair_in_order(name: str) -> None:
    teacher, student, expected = CASES[name]
    assert shorts(report(teacher, student)) == expected


def test_details_say_what_differs_and_lines_where() -> None:
    first = report([read("a"), bash("ls", "one")], [read("a"), bash("ls", "two")]).drifts[0]
    assert first.detail == "Bash: ls: succeeded: one | succeeded: two"
    assert first.lines == (5, 5)
    limited = ("tool", "Read", {"file_path": "a", "limit": 5}, "")
    assert report([read("a")], [limited]).drifts[0].detail == "Read: a; limit: absent | 5"
    assert report([bash("ls")], [read("b")]).drifts[0].detail == "Bash: ls | Read: b"
    assert report([bash("ls"), read("a")], [read("a")]).drifts[0].lines == (3, None)
    long = ("tool", "Read", {"file_path": "a", "other": "x" * 500}, "")
    assert len(report([read("a")], [long]).drifts[0].detail) < 120


def course(*turns: str, session: str | None = None) -> Course:
    stops = tuple(Stop(reason, line) for line, reason in enumerate(turns, 3))
    return Course(stops, Stop(session or turns[-1], 99))


COURSES: dict[str, tuple[Course, Course, list[str]]] = {
    "same": (course("tool_use", "end_turn"), course("tool_use", "end_turn"), []),
    "one turn more": (
        course("tool_use", "end_turn"),
        course("tool_use", "tool_use", "end_turn"),
        ["extraneous_llm_call - 1 tool_use"],
    ),
    "one turn less": (
        course("tool_use", "tool_use", "end_turn"),
        course("tool_use", "end_turn"),
        ["mismatched_stop_reason 1 - tool_use"],
    ),
    "cut": (
        course("tool_use", "end_turn"),
        course("tool_use", "max_tokens"),
        ["mismatched_stop_reason 1 1 end_turn"],
    ),
    "cut, and asked again": (
        course("end_turn"),
        course("max_tokens", "stop_sequence"),
        ["mismatched_stop_reason 0 0 end_turn", "extraneous_llm_call - 1 stop_sequence"],
    ),
    "broke off": (
        course("tool_use", "end_turn"),
        course("tool_use", "end_turn", session="error"),
        ["mismatched_stop_reason 2 2 session_end"],
    ),
    "broke off early": (
        course("tool_use", "end_turn"),
        course("tool_use", session="error"),
        ["mismatched_stop_reason 1 - end_turn", "mismatched_stop_reason 2 1 session_end"],
    ),
    "both broke off": (course("tool_use", session="error"), course("tool_use", session="error"), []),
}


@pytest.mark.parametrize("name", COURSES)
def test_the_course(name: str) -> None:
    teacher, student, expected = COURSES[name]
    found = course_drifts(teacher, student)
    assert [drift.short for drift in found] == expected
    assert bool(found) == (teacher.reasons != student.reasons)


def test_a_course_is_read_out_of_the_records() -> None:
    records = [
        *with_calls([("Bash", {"command": "ls"})])[:-2],
        answer(2, text("…"), stop="max_tokens"),
        end(2, "error"),
    ]
    found = course_of(entries(records))
    assert found.reasons == ("tool_use", "max_tokens", "error")
    assert [stop.line for stop in found.turns] == [3, 5]
    assert found.session == Stop("error", 6)


def test_no_category_is_left_that_nobody_gives() -> None:
    given = {expected.split()[0] for *_, drifts in (*CASES.values(), *COURSES.values()) for expected in drifts}
    assert given == {category.value for category in Category} - {"mismatched_file_state"}  # see test_compare
