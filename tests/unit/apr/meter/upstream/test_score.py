"""The upstream's score on pairs that tell its rules apart; every answer here was given by that program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from apr.meter.upstream.score import compare_all

if TYPE_CHECKING:
    from tests.unit.apr.meter.upstream.conftest import Upstream


def _call(name: str, given: Any) -> str:
    block = {"type": "tool_use", "id": "t", "name": name, "input": given}
    return json.dumps({"kind": "assistant_turn", "v": 1, "turn": 1, "blocks": [block], "stop_reason": "tool_use"})


def _hook(**changes: Any) -> str:
    fields = {"event": "e", "matcher": "m", "decision": "allow", "exit_code": 0, "output": "a b"}
    return json.dumps({"kind": "hook_event", "v": 1, "turn": 1, **fields, **changes})


def _skill(**changes: Any) -> str:
    fields = {"name": "n", "source": "user_invoked", "instructions_injected": True}
    return json.dumps({"kind": "skill_invocation", "v": 1, "turn": 1, **fields, **changes})


SAME = [
    ("Bash", {"command": "ls   -l"}, {"command": " ls -l ;;"}),
    ("Bash", {"command": "ls # c\nrm x"}, {"command": "ls # c rm x"}),
    ("Bash", {"command": 'echo "a  b"'}, {"command": 'echo "a b"'}),
    ("Bash", {"command": "a\xa0b\u2028c"}, {"command": "a b c"}),
    ("Bash", {"command": "ls", "timeout": 1}, {"command": "ls", "timeout": 2}),
    ("Bash", {"command": 5}, {}),
    ("Read", {"path": "a", "offset": "5"}, {"path": "a", "offset": "9"}),
    ("Read", {"path": "a", "offset": -1}, {"path": "a", "offset": 1.0}),
    ("Read", {"file_path": "a"}, {"file_path": "b"}),
    ("Write", {"path": "a", "content": ""}, {"path": "a"}),
    ("Edit", {"path": "a", "post_state_sha256": "x", "old_string": "1"}, {"path": "a", "post_state_sha256": "x"}),
    ("Edit", {"path": "a", "old_string": "1", "replace_all": True}, {"path": "a", "old_string": "1"}),
    ("Glob", {"pattern": "*", "path": "a"}, {"pattern": "*", "path": "b"}),
    ("Grep", {"pattern": " x ", "path": "a", "-i": True}, {"pattern": "x", "path": "a", "regex": False}),
    ("Agent", {"prompt": "p", "isolation": "worktree"}, {"prompt": "p"}),
    ("other", {"a": 1, "b": 2}, {"b": 2, "a": 1}),
    ("other", 10**30, 1e30),
]
DIFFERENT = [
    ("Bash", {"command": "ls ; ;"}, {"command": "ls"}),
    ("Bash", {"command": "a\x1cb"}, {"command": "a b"}),
    ("Bash", {"command": "a\u200bb"}, {"command": "a b"}),
    ("Read", {"path": "./a"}, {"path": "a"}),
    ("Read", {"path": "a", "offset": 0}, {"path": "a"}),
    ("Write", {"path": "a", "content": "x\r\n"}, {"path": "a", "content": "x\n"}),
    ("Edit", {"path": "a", "post_state_sha256": "x"}, {"path": "a", "post_state_sha256": "y"}),
    ("Edit", {"path": "a", "post_state_sha256": "x", "old_string": "1"}, {"path": "a", "old_string": "2"}),
    ("Glob", {"pattern": "* "}, {"pattern": "*"}),
    ("Grep", {"pattern": "x", "regex": True}, {"pattern": "x"}),
    ("Agent", {"prompt": "p", "subagent_type": "explore"}, {"prompt": "p"}),
    ("Task", {"prompt": "p", "more": 1}, {"prompt": "p"}),
    ("bash", {"command": "ls "}, {"command": "ls"}),
    ("other", 1, 1.0),
    ("other", 0.0, -0.0),
    ("other", {"a": None}, {}),
    ("other", True, 1),
    ("other", [[1], 2], [1, [2]]),
    ("other", {"a": []}, {"a": {}}),
]


@pytest.mark.parametrize(("tool", "teacher", "student"), SAME)
def test_these_calls_are_the_same_to_it(upstream: Upstream, tool: str, teacher: Any, student: Any) -> None:
    parity = upstream.parity(_call(tool, teacher), _call(tool, student))
    assert (parity.score, parity.drifts) == (1.0, ())


@pytest.mark.parametrize(("tool", "teacher", "student"), DIFFERENT)
def test_these_are_not(upstream: Upstream, tool: str, teacher: Any, student: Any) -> None:
    parity = upstream.parity(_call(tool, teacher), _call(tool, student))
    assert (parity.score, [drift.category for drift in parity.drifts]) == (0.0, ["MismatchedToolInput"])


@pytest.mark.parametrize(
    ("teacher", "student", "category"),
    [
        (_call("Read", {}), _call("read", {}), "MismatchedToolName"),
        (_hook(), _hook(output=" a  b;"), None),
        (_hook(), _hook(turn=7), None),
        (_hook(), _hook(event="f"), "MismatchedHookEvent"),
        (_hook(), _hook(matcher=None), "MismatchedHookEvent"),
        (_hook(), _hook(decision="warn"), "MismatchedHookEvent"),
        (_hook(), _hook(exit_code=1), "MismatchedHookEvent"),
        (_hook(), _hook(output="ab"), "MismatchedHookEvent"),
        (_skill(), _skill(turn=7), None),
        (_skill(), _skill(name="m"), "MismatchedSkillInvocation"),
        (_skill(), _skill(source="auto_matched"), "MismatchedSkillInvocation"),
        (_skill(), _skill(instructions_injected=False), "MismatchedSkillInvocation"),
        (_skill(), _hook(), "MismatchedActionKind"),
        (_hook(), _call("n", {}), "MismatchedActionKind"),
    ],
)
def test_hooks_skills_and_kinds(upstream: Upstream, teacher: str, student: str, category: str | None) -> None:
    found = [drift.category for drift in upstream.parity(teacher, student).drifts]
    assert found == ([] if category is None else [category])


def _trace(*names: str) -> str:
    return "\n".join(_call(name, {}) for name in names)


@pytest.mark.parametrize(
    ("teacher", "student", "score", "drifts"),
    [
        ("", "", 1.0, []),
        ("", "a", 0.0, ["ExtraToolCall 0 a"]),
        ("abc", "abc", 1.0, []),
        ("abc", "xabc", 0.0, [f"MismatchedToolName {i} {n}" for i, n in enumerate("abc")] + ["ExtraToolCall 3 c"]),
        ("abc", "acb", 1 / 3, ["MismatchedToolName 1 b", "MismatchedToolName 2 c"]),
        ("abc", "ab", 2 / 3, ["MissingToolCall 2 c"]),
        ("abc", "abcdd", 1.0, ["ExtraToolCall 3 d", "ExtraToolCall 4 d"]),
    ],
)
def test_lists_are_compared_index_by_index(
    upstream: Upstream, teacher: str, student: str, score: float, drifts: list[str]
) -> None:
    parity = upstream.parity(_trace(*teacher), _trace(*student))
    assert parity.score == score
    assert [f"{drift.category} {drift.position} {drift.label}" for drift in parity.drifts] == drifts


def test_missing_and_extra_hooks_and_skills(upstream: Upstream) -> None:
    both = f"{_hook()}\n{_skill()}"
    missing, extra = upstream.parity(both, ""), upstream.parity("", both)
    assert [drift.category for drift in missing.drifts] == ["MissingHookEvent", "MissingSkillInvocation"]
    assert [(drift.category, drift.label) for drift in extra.drifts] == [
        ("ExtraHookEvent", "e"),
        ("ExtraSkillInvocation", "n"),
    ]


def test_a_corpus_passes_by_its_mean_and_by_each_score(upstream: Upstream) -> None:
    good, poor = upstream.records(_trace(*"abcde")), upstream.records(_trace(*"abcd"))
    pairs = {"a": (good, good), "b": (good, poor)}
    report = compare_all(pairs, 0.8, 0.9)
    assert (report.mean, report.passes) == (0.9, True), "both bounds are inclusive"
    assert not compare_all(pairs, 0.81, 0.9).passes
    assert not compare_all(pairs, 0.8, 0.91).passes
    assert compare_all({}, 0.8, 0.95).passes, "as its library has it"
