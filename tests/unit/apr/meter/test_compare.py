"""Whole comparisons: what can be compared, what counts, and what the result may be used for."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from apr.actions.trace import InvalidTrace
from apr.actions.tree import snapshot, tree_sha256
from apr.errors import UnusableInput
from apr.meter.beside import MOST
from apr.meter.compare import Settings, compare
from apr.meter.report import Producer, Report, exactly
from apr.meter.sides import Side, load_side
from tests.action_traces import answer, call, end, plain, prompt, result, save, start
from tests.unit.apr.meter.sessions import ALIEN, bash, entries, read, records, report, shorts, side

OTHER = {"actor": "claude-code", "session_id": "01900000-0000-7000-8000-000000000002"}


def test_course_and_files_cost_one_each(tmp_path: Path) -> None:
    for name in ("before", "left", "right"):
        (tmp_path / name).mkdir()
    (tmp_path / "left" / "a").write_text("1")
    tree = snapshot(tmp_path / "before")
    did = [bash("ls"), bash("make")]
    teacher = Side(
        entries(records(did, cwd_sha256=tree_sha256(tree), **OTHER)), None, tree, snapshot(tmp_path / "left")
    )
    cut = records(did, cwd_sha256=tree_sha256(tree))
    cut[-1] = end(3, "error")
    same = Side(entries(records(did, cwd_sha256=tree_sha256(tree))), None, tree, teacher.after)
    assert compare(teacher, same).score == 1
    files = compare(teacher, replace(same, after=snapshot(tmp_path / "right")))
    assert (files.matched, files.denominator, files.files, files.course) == (2, 3, 1, 0)
    assert shorts(files) == ["mismatched_file_state - - a"]
    assert files.drifts[0].detail.endswith(" | not there")
    course = compare(teacher, replace(same, entries=entries(cut)))
    assert (course.score, course.course) == (2 / 3, 1)
    both = compare(teacher, replace(same, entries=entries(cut), after=snapshot(tmp_path / "right")))
    assert (both.score, both.as_json()["penalties"]) == (
        0.5,
        {"course": 1, "files": 1},
    )
    unknown = compare(teacher, replace(same, after=None))
    assert unknown.files == 0
    assert unknown.files_unknown == "student: Bash at line 3 may have changed files"


def test_files_are_computed_where_only_the_tools_wrote(tmp_path: Path) -> None:
    tree = snapshot(tmp_path)
    wrote = ("tool", "Write", {"file_path": "/w/a", "content": "x"}, "")
    other = ("tool", "Write", {"file_path": "a", "content": "y"}, "")
    teacher, student = (
        Side(entries(records([did], cwd_sha256=tree_sha256(tree))), PurePosixPath("/w"), tree) for did in (wrote, other)
    )
    found = compare(teacher, student)
    assert shorts(found) == ["mismatched_tool_input 0 0 Write", "mismatched_file_state - - a"]
    assert found.score == 0


def test_paths_are_seen_from_where_each_side_worked() -> None:
    one, other = ([read(f"{folder}/a")] for folder in ("/one", "/two"))
    teacher, student = side(one), side(other)
    assert compare(teacher, student).score == 0
    found = compare(replace(teacher, cwd=PurePosixPath("/one")), replace(student, cwd=PurePosixPath("/two")))
    assert found.score == 1


def test_a_course_that_differs_in_several_places_costs_one() -> None:
    turns = [answer(2, stop="max_tokens"), answer(3, stop="stop_sequence"), end(3, "error")]
    found = compare(side([bash("ls")]), Side(entries([*records([bash("ls")])[:4], *turns])))
    assert [drift.category.value for drift in found.drifts] == [
        "mismatched_stop_reason",
        "extraneous_llm_call",
        "mismatched_stop_reason",
    ]
    assert (found.matched, found.denominator, found.course) == (1, 2, 1)


def test_other_tasks_are_incomparable(tmp_path: Path) -> None:
    teacher = side([bash("ls")], **OTHER)
    asked = records([bash("ls")])
    asked[1] = prompt("do something else")
    found = compare(teacher, Side(entries(asked)))
    assert (found.verdict, found.score, found.passes, found.supports) == ("incomparable", None, False, "nothing")
    assert found.reason == "prompt 1 differs: do it | do something else"
    assert found.denominator == 0
    assert found.as_json()["bounds"] is None
    twice = [*records([bash("ls")])[:-1], prompt("and more", 3), answer(3), end(3)]
    assert compare(teacher, Side(entries(twice))).reason == "the teacher was given 1 prompts and the student 2"
    tree = compare(teacher, side([bash("ls")], cwd_sha256="1" * 64))
    assert tree.reason.startswith("the trees that they say they started from differ: 000000000000… | 111111111111…")
    claimed = compare(teacher, replace(side([bash("ls")]), before=snapshot(tmp_path)))
    assert claimed.verdict == "incomparable"
    assert claimed.reason.startswith("the student says it started from tree 000000000000…, and the tree before is ")


def test_results_count_as_the_setting_says() -> None:
    one, other = [bash("ls", "x")], [bash("ls", "y")]
    assert report(one, other).score == 0
    for results in ("ok", "none"):
        found = compare(side(one), side(other), Settings(results=results))
        assert (found.score, found.as_json()["results"]) == (1, results)
    failed = [*records(one)[:3], result(2, "call-1", "x", ok=False), *records(one)[4:]]
    teacher, student = Side(entries(records(one))), Side(entries(failed))
    assert compare(teacher, student, Settings(results="ok")).score == 0
    assert compare(teacher, student, Settings(results="none")).score == 1


def test_what_a_result_supports_depends_on_the_producers() -> None:
    did = [bash("ls")]
    student = side(did, "run")
    assert compare(side(did, "run", **OTHER), student).supports == "parity"
    assert compare(side(did, "authored", **OTHER), side(did, "authored")).supports == "no-false-alarm"
    assert compare(side(did, "run", **OTHER | {"actor": "apr-code"}), student).supports == "no-false-alarm"
    assert compare(side(did, "run", actor="claude-code"), student).supports == "no-false-alarm"
    assert compare(side([], "run", **OTHER), side([])).supports == "nothing"


@pytest.mark.parametrize(
    ("matched", "actions", "least", "passes"),
    [(4, 5, 0.8, True), (799, 1000, 0.8, False), (19, 20, 0.95, True), (1, 1, 1.0, True), (0, 1, 0.0, True)],
)
def test_the_bound_is_inclusive_and_not_rounded(matched: int, actions: int, least: float, passes: bool) -> None:
    nobody = Producer("a", "m", "s")
    found = Report(nobody, nobody, matched=matched, teacher_actions=actions, upper=matched, individual_min=least)
    assert found.passes is passes
    assert exactly(0.95) == Fraction(19, 20)


def test_a_report_is_json_and_travels() -> None:
    found = report([bash("ls"), read("a\ud800")], [ALIEN])
    assert json.loads(json.dumps(found.as_json(), allow_nan=False))["score"] == 0
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own


def test_an_inexact_score_is_the_lower_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    for limit in ("_SMALL", "_LARGE", "_FEW", "_MATCHES"):
        monkeypatch.setattr(f"apr.meter.align.{limit}", 0)
    monkeypatch.setattr("apr.meter.lcs.anchors._PIECE", 1)
    one, other = [bash("ls"), read("a")] * 3, [read("a"), bash("ls")] * 3
    found = report([*one, bash("t")], [*other, bash("s")], bound=1)
    assert not found.exact
    low, high = found.as_json()["bounds"]
    assert low == found.score < high <= 1


def test_both_sides_beside_each_other() -> None:
    same = [read(str(number)) for number in range(9)]
    found = report([*same[:4], bash("x"), *same[4:]], [*same[:4], *same[4:8], bash("y"), same[8]])
    assert [(row.mark, row.teacher, row.student) for row in found.rows] == [
        (" ", "Read: 3", "Read: 3"),
        ("-", "Bash: x", None),
        (" ", "Read: 4", "Read: 4"),
        (" ", "Read: 7", "Read: 7"),
        ("+", None, "Bash: y"),
        (" ", "Read: 8", "Read: 8"),
    ]
    near = report([bash("x"), same[0], bash("p")], [same[0], bash("q")])
    assert [row.mark for row in near.rows] == ["-", " ", "~"]
    moved = report([bash("x"), *same], [*same, bash("x")])
    assert [(row.mark, row.drift) for row in moved.rows] == [(">", 0), (" ", None), (" ", None), (">", 0)]
    assert report(same, same).rows == ()
    long = report([bash(str(number)) for number in range(MOST + 5)], [])
    assert (len(long.rows), long.rows_left_out) == (MOST, 5)


def test_a_side_is_read_strictly(tmp_path: Path) -> None:
    found = load_side(save(tmp_path / "t", plain()), cwd=PurePosixPath("/w"), source="run")
    assert found.producer == Producer("apr-code", "tiny", start()["session_id"], "run")
    assert found.prompts == ["say hello"]
    broken: list[Any] = [start(), prompt(), answer(1, call("Bash", {})), end(1, "end_turn")]
    with pytest.raises(InvalidTrace):
        load_side(save(tmp_path / "broken", broken))
    with pytest.raises(UnusableInput):
        load_side(tmp_path / "missing")
