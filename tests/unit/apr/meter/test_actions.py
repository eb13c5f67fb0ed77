"""The actions of a trace: which there are, in which order, and which of two traces are the same."""

from __future__ import annotations

import hashlib
import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.actions.trace import Entry
from apr.actions.tree import snapshot
from apr.meter import actions
from apr.meter.actions import actions_of
from tests import action_traces as make

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from apr.actions.tree import Tree
    from apr.meter.actions import Action
    from apr.meter.equality.result import Results

CWD = PurePosixPath("/w/a")


def entries(records: Sequence[make.Record]) -> list[Entry]:
    return [Entry(2 * line + 1, record) for line, record in enumerate(records)]  # as if every second line were empty


def act(records: Sequence[make.Record], before: Tree | None = None, results: Results = "content") -> list[Action]:
    return actions_of(iter(entries(records)), CWD, before, results)


def one(name: str, arguments: dict[str, Any], before: Tree | None = None, **said: Any) -> Action:
    """The action of a session with one call."""
    records = [make.start(), make.prompt(), make.answer(1, make.call(name, arguments))]
    (action,) = act([*records, make.result(2, **said), make.answer(2), make.end(2)], before)
    return action


def test_what_is_an_action_and_in_which_order() -> None:
    records = [
        make.start(),
        make.hook(0, "SessionStart"),
        make.prompt(),
        make.skill(0, "tidy"),
        make.answer(
            1,
            make.text("a"),
            make.call("Read", {"file_path": "x"}, "one"),
            make.thinking("b"),
            make.call("Bash", {"command": "ls"}, "two"),
        ),
        make.hook(2, "PreToolUse", "block", matcher="Bash"),
        make.result(2, "two", "no", ok=False, exit_code=1),
        make.hook(2, "PostToolUse", matcher="Read"),
        make.result(2, "one", "yes"),
        make.answer(2),
        make.end(2),
    ]
    found = act(records)
    assert [(seen.kind, seen.label, seen.line, seen.turn, seen.call_id) for seen in found] == [
        ("hook", "SessionStart", 3, 0, None),
        ("skill", "tidy", 7, 0, None),
        ("tool", "Read", 9, 1, "one"),
        ("tool", "Bash", 9, 1, "two"),
        ("hook", "PreToolUse", 11, 2, None),
        ("hook", "PostToolUse", 15, 2, None),
    ]
    assert [seen.outcome for seen in found] == ["", "", "succeeded: yes", "failed, exit code 1: no", "", ""]
    assert len({seen.key for seen in found}) == len({seen.call for seen in found}) == 6


def test_a_plain_prompt_has_no_actions() -> None:
    assert act(make.plain()) == []


def test_a_call_without_a_result_is_an_action_of_its_own_kind() -> None:
    records = [make.start(), make.prompt(), make.answer(1, make.call("Read", {"file_path": "x"})), make.end(1, "error")]
    (open_,) = act(records)
    (done,) = act([*records[:3], make.result(2), make.answer(2), make.end(2)])
    (uncompared,) = act([*records[:3], make.result(2), make.answer(2), make.end(2)], results="none")
    assert (open_.call, open_.line, open_.turn, open_.call_id) == (done.call, done.line, done.turn, done.call_id)
    assert open_.key != done.key
    assert (open_.outcome, uncompared.outcome) == ("", "")
    assert open_.key == uncompared.key


def test_what_never_counts() -> None:
    first = make.with_calls([("Read", {"file_path": "x"})], [("Bash", {"command": "ls"})])
    second = json.loads(json.dumps(first).replace("call-", "toolu_"))
    second[0] |= {
        "session_id": "0190ffff-0000-7000-8000-000000000001",
        "ts": "2027-01-31T12:00:00.000Z",
        "model": "other",
    }
    second[2]["blocks"].insert(0, make.text("first I look"))
    second[3]["side_effects"] = {"files_read": ["x"]}
    assert [seen.key for seen in act(first)] == [seen.key for seen in act(second)]


def test_task_is_agent_in_call_and_label() -> None:
    asked = {"subagent_type": "r", "prompt": "p"}
    assert one("Task", asked)._replace(said={}) == one("Agent", asked)._replace(said={})
    assert one("Task", asked).label == "Agent"
    assert one("task", asked).call != one("Task", asked).call


def test_the_same_input_to_two_tools_is_not_the_same() -> None:
    asked = {"file_path": "x", "content": "y", "pattern": "z"}
    names = [
        "Bash",
        "Read",
        "Write",
        "Edit",
        "Glob",
        "Grep",
        "Agent",
        "NotebookRead",
        "NotebookEdit",
        "read",
        "Other",
        "Another",
    ]
    assert len({one(name, asked).call for name in names}) == len(names)


def test_a_tool_is_not_a_hook_or_a_skill_of_its_name() -> None:
    records = [make.start(), make.prompt(), make.skill(0, "tidy"), make.answer(1), make.end(1)]
    assert act(records)[0].call != one("tidy", {}).call


@pytest.fixture
def before(tmp_path: Path) -> Tree:
    (tmp_path / "a.txt").write_bytes(b"one two\nthree\n")
    (tmp_path / "twice").write_bytes(b"x x\n")
    return snapshot(tmp_path)


EDIT = {"file_path": "a.txt", "old_string": "two", "new_string": "2"}
WIDER = {"file_path": "/w/a/a.txt", "old_string": "one two\n", "new_string": "one 2\n"}
LATER = {"file_path": "a.txt", "old_string": "three", "new_string": "3"}


def test_edits_with_the_same_outcome_are_the_same_where_the_tree_is_known(before: Tree) -> None:
    assert one("Edit", EDIT, before).key == one("Edit", WIDER, before).key
    assert one("Edit", EDIT).key != one("Edit", WIDER).key
    assert one("Edit", EDIT, before).call != one("Edit", LATER, before).call
    assert one("Edit", EDIT, before).call != one("Edit", EDIT).call
    assert one("Edit", EDIT | {"replace_all": True}, before).key == one("Edit", EDIT, before).key
    assert one("Edit", EDIT | {"note": "x"}, before).key != one("Edit", EDIT, before).key


def test_an_edit_that_failed_or_cannot_have_been_made_is_its_text(before: Tree) -> None:
    assert one("Edit", EDIT, before, ok=False).call == one("Edit", EDIT).call
    assert one("Edit", WIDER, before, ok=False).key != one("Edit", EDIT, before, ok=False).key
    for impossible in (
        {"old_string": "four"},
        {"file_path": "none"},
        {"file_path": "twice", "old_string": "x"},
        {"replace_all": 1},
    ):
        assert one("Edit", EDIT | impossible, before).call == one("Edit", EDIT | impossible).call
    everywhere = {"file_path": "twice", "old_string": "x", "new_string": "y", "replace_all": True}
    assert (
        one("Edit", everywhere, before).call
        == one("Edit", everywhere | {"old_string": "x x", "new_string": "y y"}, before).call
    )


def test_the_state_afterwards_is_never_believed(before: Tree) -> None:
    honest = hashlib.sha256(b"one 2\nthree\n").hexdigest()
    claim = "post_state_sha256"
    plain = one("Edit", EDIT, before)
    assert plain.call[2:] == ("a.txt", "afterwards", honest, None)
    assert one("Edit", EDIT | {claim: honest}, before).key == plain.key
    for lie in ("0" * 64, honest.upper(), "", None, 1):
        assert one("Edit", EDIT | {claim: lie}, before).key != plain.key
    # two sides that claim the same and do something else
    lies = [one("Edit", edit | {claim: "0" * 64}, tree).key for tree in (before, None) for edit in (EDIT, LATER)]
    assert len(set(lies)) == 4
    assert one("Edit", EDIT | {claim: honest}).key != one("Edit", WIDER | {claim: honest}).key


def test_edits_see_what_was_done_before_them(before: Tree) -> None:
    def run(*calls: tuple[str, dict[str, Any]], **failed: bool) -> list[Action]:
        records = [make.start(), make.prompt()]
        for turn, (name, arguments) in enumerate(calls, 1):
            ok = not failed.get(f"call{turn}")
            records += [
                make.answer(turn, make.call(name, arguments, f"c{turn}")),
                make.result(turn + 1, f"c{turn}", ok=ok),
            ]
        return act([*records, make.answer(len(calls) + 1), make.end(len(calls) + 1)], before)

    both, wide = run(("Edit", EDIT), ("Edit", LATER)), run(("Edit", WIDER), ("Edit", LATER))
    assert [seen.key for seen in both] == [seen.key for seen in wide]
    assert both[1].call[4] == hashlib.sha256(b"one 2\n3\n").hexdigest()
    assert run(("Edit", LATER))[0].call != both[1].call
    assert run(("Edit", EDIT), ("Edit", LATER), call1=True)[1].call == run(("Edit", LATER))[0].call
    written = run(("Write", {"file_path": "a.txt", "content": "three"}), ("Edit", LATER))
    assert written[1].call[4] == hashlib.sha256(b"3").hexdigest()
    kept = run(("Write", {"file_path": "a.txt", "content": "x"}), ("Edit", LATER), call1=True)
    assert kept[1].call == run(("Edit", LATER))[0].call
    assert run(("Read", {"file_path": "a.txt"}), ("Bash", {"command": "make"}), ("Edit", LATER))[2].call == kept[1].call


@pytest.mark.parametrize("ok", [True, False, None])
@pytest.mark.parametrize("odd", [5, None, ["a.txt"], {"a": 1}, True])
def test_inputs_of_any_type_are_compared(before: Tree, ok: bool | None, odd: Any) -> None:
    seen = []
    for tool, sound in (("Edit", EDIT), ("Write", {"file_path": "a.txt", "content": "x"})):
        for field in sound:
            arguments = sound | {field: odd}
            records = [make.start(), make.prompt(), make.answer(1, make.call(tool, arguments))]
            ends = [make.end(1, "error")] if ok is None else [make.result(2, ok=ok), make.answer(2), make.end(2)]
            known, unknown = (act([*records, *ends], tree)[0].call for tree in (before, None))
            assert known == unknown
            seen.append(known)
    assert len(set(seen)) == 5


def test_a_call_without_a_result_was_not_surely_made(before: Tree) -> None:
    (alone,) = act([make.start(), make.prompt(), make.answer(1, make.call("Edit", EDIT)), make.end(1, "error")], before)
    assert alone.call == one("Edit", EDIT).call
    whole = {"file_path": "a.txt", "content": "two"}
    for name, arguments in (("Edit", EDIT), ("Write", whole)):
        calls = [make.call(name, arguments, "open"), make.call("Edit", EDIT, "done")]
        records = [make.start(), make.prompt(), make.answer(1, *calls), make.result(2, "done"), make.end(1, "error")]
        left_open, done = act(records, before)
        assert left_open.call == one(name, arguments).call
        assert done.call == one("Edit", EDIT, before).call


def test_two_edits_of_one_turn_are_applied_in_the_order_of_their_results(before: Tree) -> None:
    calls = [make.call("Edit", EDIT, "c1"), make.call("Edit", EDIT | {"old_string": "2", "new_string": "zwei"}, "c2")]
    records = [make.start(), make.prompt(), make.answer(1, *calls)]
    ends = [make.answer(2), make.end(2)]
    in_order = act([*records, make.result(2, "c1"), make.result(2, "c2"), *ends], before)
    turned = act([*records, make.result(2, "c2"), make.result(2, "c1"), *ends], before)
    assert [seen.call[3] for seen in in_order] == ["afterwards", "afterwards"]
    assert [seen.call[3] for seen in turned] == ["replaced", "replaced"]
    assert [seen.call_id for seen in turned] == ["c1", "c2"]


@pytest.mark.parametrize(
    ("action", "detail", "path"),
    [
        (one("Bash", {"command": "ls\n-l\t\x1b[1m"}), "Bash: ls\\n-l\\t\\x1b[1m", None),
        (one("Read", {"file_path": "/w/a/./x", "limit": 3}), "Read: /w/a/./x", "x"),
        (one("Edit", EDIT), "Edit: a.txt", "a.txt"),
        (one("Glob", {"pattern": "*.py"}), "Glob: *.py", None),
        (one("Grep", {"pattern": "x", "path": "src/"}), "Grep: src/", "src"),
        (one("Task", {"prompt": "look"}), "Agent: look", None),
        (one("Odd", {"a": 1, "b": [2]}), "Odd: a=1, b=[2]", None),
        (one("Read", {"file_path": 5}), "Read: file_path=5", None),
        (one("Read", {}), "Read: ", None),
        (one("mcp__x", {"path": "x"}), "mcp__x: x", None),
        (one("Bash", {"command": "x" * 200}), "Bash: " + "x" * 99 + "…", None),
        (one("Bash", {"command": "x" * 100}), "Bash: " + "x" * 100, None),
    ],
)
def test_one_line_for_people(action: Action, detail: str, path: str | None) -> None:
    assert (action.detail, action.path) == (detail, path)


def test_hooks_and_skills_in_one_line() -> None:
    records = [make.start(), make.prompt(), make.hook(0, "Stop", "warn"), make.hook(0, matcher="Bash")]
    found = act([*records, make.skill(0, source="auto_matched"), make.answer(1), make.end(1)])
    assert [seen.detail for seen in found] == [
        "Stop: warn (exit code 1)",
        "PreToolUse: Bash allow (exit code 0)",
        "tidy: auto matched",
    ]
    assert {seen.path for seen in found} == {None}


def test_outcomes_in_one_line() -> None:
    seen = one("Bash", {"command": "ls"}, content="in /w/a/x \nthen", exit_code=2, ok=False)
    assert seen.outcome == "failed, exit code 2: in ${CWD}/x\\nthen"
    assert len(one("Bash", {}, content="x" * 1000).outcome) == 100


@given(make.traces(), st.sampled_from(["content", "ok", "none"]))
def test_any_valid_trace(records: list[make.Record], results: Results) -> None:
    found = act(records, results=results)
    asked = [block for record in records for block in record.get("blocks", ()) if block["type"] == "tool_use"]
    events = [record for record in records if record["kind"] in {"hook_event", "skill_invocation"}]
    assert [seen.call_id for seen in found if seen.kind == "tool"] == [block["id"] for block in asked]
    assert len(found) == len(asked) + len(events)
    assert [seen.line for seen in found] == sorted(seen.line for seen in found)
    again = act(json.loads(json.dumps(records)), results=results)
    assert [seen.key for seen in again] == [seen.key for seen in found]
    assert all(isinstance(hash(seen.key), int) and seen.detail.startswith(f"{seen.label}: ") for seen in found)


@pytest.mark.parametrize("fault", ["hooks", "skills", "tools", "names", "results", "last"])
def test_faulty_readers_are_found_out(monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    sound = actions.follow

    def faulty(*arguments: Any) -> list[Action]:
        found = sound(*arguments)
        if fault == "names":
            return [seen._replace(call=seen.call[2:]) for seen in found]
        if fault == "results":
            return [seen._replace(key=(seen.call, None)) for seen in found]
        return found[:-1] if fault == "last" else [seen for seen in found if f"{seen.kind}s" != fault]

    tests = [
        test_what_is_an_action_and_in_which_order,
        test_the_same_input_to_two_tools_is_not_the_same,
        test_a_call_without_a_result_is_an_action_of_its_own_kind,
    ]
    monkeypatch.setattr(actions, "follow", faulty)
    failed = 0
    for test in tests:
        try:
            test()
        except (AssertionError, ValueError):
            failed += 1
    assert failed
