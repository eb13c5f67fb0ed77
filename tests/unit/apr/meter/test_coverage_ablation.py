"""What is taken out of a student's trace, and that nothing else is."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from apr.actions.trace import Entry
from apr.actions.tree import snapshot, tree_sha256
from apr.meter.ablation import ablate, alien
from apr.meter.compare import compare
from apr.meter.pairs import find_pairs
from apr.meter.rows import Feature
from apr.meter.sides import Side
from tests.action_traces import Record, answer, call, end, hook, prompt, result, skill, start, text, traces

if TYPE_CHECKING:
    from collections.abc import Iterable

CORPUS = Path(__file__).resolve().parents[4] / "fixtures" / "action-traces"
SESSION: list[Record] = [
    start(),
    hook(0, "SessionStart", matcher="startup", output="hi"),
    prompt(),
    skill(0, "tidy", "user_invoked"),
    answer(
        1, text("look"), call("Read", {"file_path": "a.md", "offset": 3}, "one"), call("Bash", {"command": "ls"}, "two")
    ),
    hook(1, "PreToolUse", "block", matcher="Bash"),
    result(2, "one", "text"),
    result(2, "two", "a.md", exit_code=0),
    skill(2, "tables", "auto_matched", instructions_injected=True),
    answer(2, call("Task", {"subagent_type": "x", "prompt": "y", "isolation": None, "deep": True}, "three")),
    result(3, "three", "done"),
    answer(3, text("done")),
    hook(3, "Stop", "warn"),
    end(3),
]


def side(records: Iterable[Record], **more: Any) -> Side:
    return Side(tuple(Entry(line, record) for line, record in enumerate(records, 1)), PurePosixPath("/w"), **more)


def changed(feature: Feature, records: list[Record] = SESSION) -> list[tuple[Any, Any]]:
    """Records before and after, where they differ; (record, None) where one is gone."""
    without = ablate(side(records), feature)
    assert without is not None
    assert len(without.prompts) == len(side(records).prompts)
    after = {entry.line: entry.record for entry in without.entries}
    return [(record, after.get(line)) for line, record in enumerate(records, 1) if after.get(line) != record]


def blocks(record: Any) -> list[Any]:
    return [block for block in record["blocks"] if block["type"] == "tool_use"]


def test_a_call_goes_with_its_result_and_its_turn_stays() -> None:
    (before, after), (gone, nothing) = changed(Feature("tool", "Bash"))
    assert [block["name"] for block in blocks(before)] == ["Read", "Bash"]
    assert [block["name"] for block in blocks(after)] == ["Read"]
    assert after["stop_reason"] == before["stop_reason"] == "tool_use"
    assert gone["tool_use_id"] == "two"
    assert nothing is None


@pytest.mark.parametrize("name", ["Agent", "Task", "A*", "?gent"])
def test_another_name_of_a_tool_is_that_tool(name: str) -> None:
    (before, after), _ = changed(Feature("tool", name))
    assert (len(blocks(before)), len(blocks(after))) == (1, 0)
    assert after["stop_reason"] == "tool_use", "the course is not what is taken out"


def test_names_count_letter_by_letter() -> None:
    assert ablate(side(SESSION), Feature("tool", "bash")) is None
    assert ablate(side(SESSION), Feature("hook", "sessionstart")) is None


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("Read", "offset", 1_000_006),
        ("Read", "file_path", "ablated a.md"),
        ("Agent", "isolation", "ablated"),
        ("Agent", "deep", False),
    ],
)
def test_a_field_gets_a_value_that_nobody_meant(name: str, field: str, value: Any) -> None:
    ((before, after),) = changed(Feature("tool", name, field))
    (old,) = (block for block in blocks(before) if field in block["input"])
    (new,) = (block for block in blocks(after) if block["id"] == old["id"])
    assert new == old | {"input": old["input"] | {field: value}}


def test_only_what_says_so() -> None:
    assert len(changed(Feature("tool", "*", None, {"file_path": "*.md"}))) == 2
    assert ablate(side(SESSION), Feature("tool", "*", None, {"file_path": "*.txt"})) is None
    assert ablate(side(SESSION), Feature("tool", "*", None, {"offset": "3"})) is None, "a number is no text"
    assert [before["name"] for before, _ in changed(Feature("skill", "*", None, {"source": "auto_matched"}))] == [
        "tables"
    ]
    assert [before["event"] for before, _ in changed(Feature("hook", "*", None, {"decision": "block"}))] == [
        "PreToolUse"
    ]


@pytest.mark.parametrize(
    ("feature", "said"),
    [
        (Feature("hook", "PreToolUse", "decision"), {"decision": "allow", "exit_code": 0}),
        (Feature("hook", "SessionStart", "decision"), {"decision": "block", "exit_code": 2}),
        (Feature("hook", "Stop", "decision"), {"decision": "block", "exit_code": 2}),
        (Feature("hook", "SessionStart", "matcher"), {"matcher": "ablated startup"}),
        (Feature("hook", "SessionStart", "output"), {"output": "ablated hi"}),
        (Feature("skill", "tidy", "source"), {"source": "auto_matched"}),
        (Feature("skill", "tables", "source"), {"source": "user_invoked"}),
        (Feature("skill", "tables", "name"), {"name": "ablated tables"}),
        (Feature("skill", "*", "instructions_injected"), {"instructions_injected": False}),
    ],
    ids=str,
)
def test_a_field_of_a_hook_or_a_skill(feature: Feature, said: Record) -> None:
    ((before, after),) = changed(feature)
    assert after == before | said


@pytest.mark.parametrize(
    ("feature", "kind"), [(Feature("hook", "*"), "hook_event"), (Feature("skill", "t*"), "skill_invocation")]
)
def test_all_of_a_kind(feature: Feature, kind: str) -> None:
    gone = changed(feature)
    assert {(before["kind"], after) for before, after in gone} == {(kind, None)}
    assert len(gone) == sum(record["kind"] == kind for record in SESSION)


def test_parts_of_results() -> None:
    assert [after["ok"] for _, after in changed(Feature("result", "ok"))] == [False] * 3
    assert [after["content"] for _, after in changed(Feature("result", "content"))] == [
        "ablated text",
        "ablated a.md",
        "ablated done",
    ]
    ((before, after),) = changed(Feature("result", "exit_code"))
    assert (before["side_effects"], after["side_effects"]) == ({"exit_code": 0}, {"exit_code": 1_000_003})


def test_the_course_ends_otherwise_and_no_action_is_touched() -> None:
    (turn, other_turn), (last, other_last) = changed(Feature("course"))
    assert (turn["turn"], other_turn["stop_reason"]) == (3, "max_tokens")
    assert (last["kind"], other_last["stop_reason"]) == ("session_end", "max_tokens")
    cut = [*SESSION[:-3], answer(3, text("and"), stop="max_tokens"), end(3, "max_tokens")]
    assert [after["stop_reason"] for _, after in changed(Feature("course"), cut)] == ["end_turn"] * 2


@pytest.mark.parametrize(
    "feature",
    [
        Feature("tool", "Write"),
        Feature("tool", "Bash", "timeout"),
        Feature("hook", "SubagentStop"),
        Feature("hook", "PreToolUse", "output"),
        Feature("skill", "plots"),
        Feature("skill", "tidy", "instructions_injected"),
        Feature("files"),
    ],
    ids=str,
)
def test_where_there_is_nothing_to_take_out(feature: Feature) -> None:
    assert ablate(side(SESSION), feature) is None


def test_results_of_a_session_without_calls() -> None:
    assert ablate(side([start(), prompt(), answer(1), end(1)]), Feature("result", "ok")) is None


def test_files_stay_when_a_call_goes_and_go_alone(tmp_path: Path) -> None:
    """A meter that compares trees alone must not be said to see the calls that made them."""
    (tmp_path / "a.md").write_text("1\n")
    before = snapshot(tmp_path)
    written = [
        start(cwd_sha256=tree_sha256(before)),
        prompt(),
        answer(1, call("Write", {"file_path": "a.md", "content": "2\n"}, "one")),
        result(2, "one"),
        answer(2),
        end(2),
    ]
    whole = side(written, before=before)
    for feature in (Feature("tool", "Write"), Feature("tool", "Write", "content"), Feature("result", "ok")):
        without = ablate(whole, feature)
        assert without is not None
        report = compare(whole, without)
        assert (report.matched, report.files, report.files_unknown) == (0, 0, ""), feature
    other = ablate(whole, Feature("files"))
    assert other is not None
    report = compare(whole, other)
    assert (report.matched, [drift.label for drift in report.drifts]) == (1, ["ablated"])


def test_a_tree_that_was_seen_needs_none_before(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("1\n")
    whole = side(SESSION, after=snapshot(tmp_path))
    other = ablate(whole, Feature("files"))
    assert other is not None
    assert [drift.label for drift in compare(whole, other).drifts] == ["ablated"]


def test_files_that_were_computed_can_be_looked_into(tmp_path: Path) -> None:
    """Markdown is compared by its words, so that what was written is read again."""
    (tmp_path / "a.md").write_text("1\n")
    before = snapshot(tmp_path)

    def session(content: str) -> Side:
        asked = answer(1, call("Write", {"file_path": "a.md", "content": content}, "one"))
        first = start(cwd_sha256=tree_sha256(before))
        return side([first, prompt(), asked, result(2, "one"), answer(2), end(2)], before=before)

    without = ablate(session("2 \n\n"), Feature("result", "ok"))
    assert without is not None
    assert compare(session("2\n"), without).files == 0
    assert compare(session("3\n"), without).files == 1


@pytest.mark.parametrize("value", [True, 0, -7, 1.5, "", "x", None, [], {}])
def test_an_alien_is_another_value(value: Any) -> None:
    assert alien(value) != value
    assert type(alien(value)) is type(value) or not isinstance(value, bool | int | float | str)


FEATURES = [
    Feature("tool", "*"),
    Feature("hook", "*"),
    Feature("hook", "*", "decision"),
    Feature("skill", "*"),
    Feature("skill", "*", "source"),
    Feature("result", "ok"),
    Feature("result", "content"),
    Feature("course"),
]


@settings(max_examples=60, deadline=None, database=None, derandomize=True)
@given(traces())
def test_from_a_trace_that_agrees_with_itself_every_loss_is_noticed(records: list[Record]) -> None:
    whole = side(records)
    for feature in FEATURES:
        without = ablate(whole, feature)
        if without is None:
            continue
        report = compare(whole, without)
        acted = report.teacher_actions or report.student_actions
        assert not acted or (report.share is not None and report.share < 1), feature


def test_no_loss_raises_a_score_of_the_fixtures_that_agree() -> None:
    tried = 0
    for pair in find_pairs(CORPUS):
        teacher, student = pair.sides()
        whole = compare(teacher, student)
        if whole.share != 1:
            continue
        for feature in (*FEATURES, Feature("files")):
            without = ablate(student, feature)
            if without is not None:
                tried += 1
                assert (compare(teacher, without).share or 0) < 1, (pair.name, feature)
    assert tried > 100
