"""When two calls are the same: pairs that are and pairs that nearly are, and faulty rules that these pairs find out."""

from __future__ import annotations

import json
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.meter.equality import TOOLS, hook, other, result, skill, tool_named
from apr.meter.equality.fields import canonical, frozen, value
from apr.meter.files import READ_ONLY
from apr.meter.paths import Place
from tests import action_traces as make
from tests.unit.apr.meter.near_misses import OTHER, SAME

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apr.actions.trace import Record
    from apr.meter.equality.fields import Rule
    from apr.meter.equality.result import Results

HERE = Place(PurePosixPath("/w/a"))


def wrong(name: str, rule: Rule) -> list[str]:
    """The pairs of a tool that a rule gets wrong."""

    def differ(one: Mapping[str, Any], another: Mapping[str, Any]) -> bool:
        return rule(one, HERE, True) != rule(another, HERE, True)

    found = [f"same: {one} {another}" for one, another in SAME[name] if differ(one, another)]
    return found + [f"other: {one} {another}" for one, another in OTHER[name] if not differ(one, another)]


@pytest.mark.parametrize("name", SAME)
def test_near_misses(name: str) -> None:
    assert len(OTHER[name]) >= 10
    assert wrong(name, tool_named(name).call) == []


@pytest.mark.parametrize("name", SAME)
def test_a_rule_that_always_agrees_is_found_out(name: str) -> None:
    assert len(wrong(name, lambda *_: ())) == len(OTHER[name])


@pytest.mark.parametrize("name", [name for name in SAME if name != "WebFetch"])
def test_the_rule_for_any_other_tool_is_found_out(name: str) -> None:
    assert wrong(name, other.call)


def fields() -> list[tuple[str, str]]:
    pairs = {(name, field) for name in OTHER for pair in OTHER[name] for one in pair for field in one}
    return sorted(pairs - {("WebFetch", "A")})


@pytest.mark.parametrize(("name", "field"), fields())
def test_a_rule_that_ignores_a_field_is_found_out(name: str, field: str) -> None:
    rule = tool_named(name).call

    def blind(given: Mapping[str, Any], place: Place, ok: bool | None) -> tuple[Any, ...]:
        return rule({key: value for key, value in given.items() if key != field}, place, ok)

    assert wrong(name, blind)


@pytest.mark.parametrize(
    "spoilt",
    [
        str.lower,
        lambda path: path.replace("../", ""),
        lambda path: path.removeprefix("/"),
        lambda path: path.strip("./"),
    ],
    ids=["case", "dots", "root", "stripped"],
)
def test_paths_that_are_normalised_too_much_are_found_out(spoilt: Callable[[str], str]) -> None:
    class Spoilt(Place):
        def path(self, text: str) -> str:
            return super().path(spoilt(text))

    rule = tool_named("Read").call
    assert wrong("Read", lambda given, _, ok: rule(given, Spoilt(PurePosixPath("/w/a")), ok))


def test_task_is_agent_and_no_other_case_is() -> None:
    assert tool_named("Task") == tool_named("Agent")
    assert tool_named("task") == ("task", other.call, result.all_of_it)
    assert tool_named("bash").call is other.call


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=6,
)


@given(values, values)
def test_equal_json_and_nothing_else_has_equal_keys(one: Any, another: Any) -> None:
    def typed(part: Any) -> Any:
        if isinstance(part, dict):
            return {key: typed(inner) for key, inner in part.items()}
        return [typed(inner) for inner in part] if isinstance(part, list) else (type(part), repr(part))

    same = typed(one) == typed(another)
    assert (canonical(one) == canonical(another)) is same
    assert (frozen({"a": one}) == frozen({"a": another})) is same
    assert (value({"a": one}, "a") == value({"a": another}, "a")) is same
    assert json.loads(canonical(one)) == one
    for rule in {tool.call for tool in TOOLS.values()}:
        hash(rule({"pattern": one, "file_path": another, "x": one}, HERE, None))


HOOK = make.hook(1, matcher="Bash", output="seen in /w/a/x  y")
HOOKS = [
    make.hook(1, "PostToolUse", matcher="Bash", output=HOOK["output"]),
    make.hook(1, decision="warn", matcher="Bash", output=HOOK["output"]),
    HOOK | {"exit_code": 7},
    HOOK | {"decision": "warn"},
    make.hook(1, matcher="bash", output=HOOK["output"]),
    make.hook(1, output=HOOK["output"]),
    make.hook(1, matcher="", output=HOOK["output"]),
    make.hook(1, matcher="Bash", output="seen in /w/a/x y"),
    make.hook(1, matcher="Bash", output="seen in /w/ab/x  y"),
    make.hook(1, matcher="Bash", output="seen in ${CWD}/x  y"),
    make.hook(1, matcher="Bash"),
]


def test_hooks() -> None:
    assert all(hook.call(HOOK, HERE) != hook.call(one, HERE) for one in HOOKS)
    elsewhere = Place(PurePosixPath("/tmp/b"))  # noqa: S108 - a name, no file
    assert hook.call(HOOK, HERE) == hook.call(HOOK | {"turn": 9, "output": "seen in /tmp/b/x  y"}, elsewhere)
    assert hook.call(make.hook(1), HERE) == hook.call(make.hook(1, output=""), HERE)


@pytest.mark.parametrize("at", range(5))
def test_a_hook_rule_that_ignores_a_part_is_found_out(at: int) -> None:
    def blind(record: Mapping[str, Any]) -> tuple[Any, ...]:
        parts = hook.call(record, HERE)
        return parts[:at] + parts[at + 1 :]

    assert any(blind(HOOK) == blind(one) for one in HOOKS)


SKILL = make.skill(1)
SKILLS = [
    make.skill(1, "Tidy"),
    make.skill(1, "tidy "),
    make.skill(1, source="auto_matched"),
    make.skill(1, instructions_injected=True),
]


def test_skills() -> None:
    assert all(skill.call(SKILL, HERE) != skill.call(one, HERE) for one in SKILLS)
    assert skill.call(SKILL, HERE) == skill.call(make.skill(5, instructions_injected=False), HERE)


@pytest.mark.parametrize("at", range(3))
def test_a_skill_rule_that_ignores_a_part_is_found_out(at: int) -> None:
    def blind(record: Mapping[str, Any]) -> tuple[Any, ...]:
        parts = skill.call(record, HERE)
        return parts[:at] + parts[at + 1 :]

    assert any(blind(SKILL) == blind(one) for one in SKILLS)


ALL = result.all_of_it
SAID = [
    ("a", "a", True),
    ("a \nb\t\n", "a\nb\n", True),
    ("a\r\nb", "a\nb", True),
    ("a \t\r\nb", "a\nb", True),
    ("a  ", "a", True),
    ("in /w/a/x.", "in /w/a/x.", True),
    ("a\n", "a", True),
    ("a\n\n", "a", True),
    ("\na", "a", False),
    ("a\rb", "a\nb", False),
    (" a", "a", False),
    ("a  b", "a b", False),
    ("a\n\nb", "a\nb", False),
    ("A", "a", False),
    ("a\u00a0", "a", False),
    ("a\x0b\n", "a\n", False),
    ("/w/a/x", "${CWD}/x", False),
    ("/w/a/x", "x", False),
]


@pytest.mark.parametrize(("one", "another", "same"), SAID)
def test_what_a_tool_said(one: str, another: str, same: bool) -> None:
    keys = [result.outcome(make.result(2, content=said), HERE, "content", ALL) for said in (one, another)]
    assert (keys[0] == keys[1]) is same


LINES = "     1\tHull 7.3\n     2\t\n"
WORDED = [
    ("Write", "written", "Wrote 3 bytes.", True, True),
    ("Edit", "edited", "Edited x: 1 place.", True, True),
    ("NotebookEdit", "a", "b", True, True),
    ("Edit", "not found", "no such text", False, True),
    ("Read", LINES, "1→Hull 7.3\n 2→", True, True),
    ("Read", LINES, "1\tHull 7.4\n2\t", True, False),
    ("Read", LINES, "2\tHull 7.3\n3\t", True, False),
    ("Read", "Hull 7.3", "Hull 7.4", True, False),
    ("Read", "no such file", "not found", False, True),
    ("Glob", "a\nb", "a", True, False),
    ("Glob", "a", "b", False, True),
    ("Grep", "1:a", "2:a", True, False),
    ("Grep", "a", "b", False, True),
    ("NotebookRead", "a", "b", True, False),
    ("Bash", "1\ta", "1→a", True, False),
    ("Bash", "a", "b", False, False),
    ("Agent", "a", "b", True, False),
    ("mcp__x", "a", "b", False, False),
]


@pytest.mark.parametrize(("tool", "one", "another", "ok", "same"), WORDED)
def test_words_of_a_tool_s_own_say_nothing(tool: str, one: str, another: str, ok: bool, same: bool) -> None:
    says = tool_named(tool).says
    keys = [result.outcome(make.result(2, content=said, ok=ok), HERE, "content", says) for said in (one, another)]
    assert (keys[0] == keys[1]) is same
    other_end = result.outcome(make.result(2, content=one, ok=not ok), HERE, "content", says)
    assert other_end not in keys, "whether it succeeded always counts"


def test_smoothing_in_no_way_or_by_strip_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def count() -> int:
        return sum(
            (result.outcome(make.result(2, content=one), HERE, "content", ALL)
             == result.outcome(make.result(2, content=another), HERE, "content", ALL)) is not same
            for one, another, same in SAID
        )  # fmt: skip

    assert count() == 0
    for fault in (str, str.strip, str.lower, lambda said: " ".join(said.split())):
        monkeypatch.setattr(result, "smooth", fault)
        assert count() > 0


@given(st.text(alphabet="a \t\r\n", max_size=20))
def test_smoothing_line_by_line(said: str) -> None:
    lines = said.split("\n")
    expected = [line.removesuffix("\r") if number < len(lines) - 1 else line for number, line in enumerate(lines)]
    assert result.smooth(said) == "\n".join(line.rstrip(" \t") for line in expected).rstrip("\n")


def test_how_much_of_a_result_counts() -> None:
    good, bad = make.result(2, content="x"), make.result(2, content="x", ok=False)
    said, coded = make.result(2, content="y"), make.result(2, content="x", exit_code=0)
    claimed = make.result(2, content="x", files_read=["q"], files_written=["z"])
    differences: dict[Results, list[Record]] = {"content": [bad, said, coded], "ok": [bad, coded], "none": []}
    for results, differing in differences.items():
        same = [one for one in (good, bad, said, coded, claimed) if one not in differing]
        keys = {str(result.outcome(one, HERE, results, ALL)) for one in same}
        assert len(keys) == 1
        assert len(keys | {str(result.outcome(one, HERE, results, ALL)) for one in differing}) == 1 + len(differing)
    zero, one = (result.outcome(make.result(2, exit_code=code), HERE, "ok", ALL) for code in (0, 1))
    assert zero != one


def test_the_page_says_what_the_rules_do() -> None:
    page = (Path(__file__).parents[4] / "docs" / "reference" / "action-equality-v1.md").read_text("utf-8")
    told: dict[str, int] = {}
    for section in page.split("\n## ")[1:]:
        names, *blocks = section.split("\n```")
        tools = [name for name in re.split(r"\W+", names.splitlines()[0]) if name in {*TOOLS, "WebFetch"}]
        for line in "".join(blocks).splitlines():
            if not line.startswith(("= ", "≠ ")):
                continue
            one, end = json.JSONDecoder().raw_decode(line, 2)
            another = json.loads(line[end:])
            for name in tools:
                rule = tool_named(name).call
                assert (rule(one, HERE, True) == rule(another, HERE, True)) is (line[0] == "="), line
                told[name] = told.get(name, 0) + 1
    assert {*told, "Task"} == {*TOOLS, "WebFetch"}
    assert min(told.values()) >= 2
    assert all(re.search(rf"\b{name}\b", page.partition("## Files")[2]) for name in READ_ONLY)
