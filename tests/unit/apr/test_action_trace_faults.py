"""The pairs of action traces notice a meter that ignores anything: each rule is broken here, and some pair must come out otherwise."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from apr.actions import tree
from apr.meter import compare, files, pairs, paths
from apr.meter.actions import actions_of
from apr.meter.align import Alignment
from apr.meter.compare import Settings
from apr.meter.equality import (
    TOOLS,
    Tool,
    agent,
    bash,
    edit,
    glob,
    grep,
    hook,
    notebook,
    other,
    read,
    result,
    skill,
    write,
)
from apr.meter.pairs import find_pairs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from apr.meter.sides import Side

CORPUS = Path(__file__).resolve().parents[3] / "fixtures" / "action-traces"
PATHS = frozenset({"file_path", "path", "notebook_path"})
MODULES = {
    "Bash": bash,
    "Read": read,
    "Write": write,
    "Edit": edit,
    "Glob": glob,
    "Grep": grep,
    "Agent": agent,
    "NotebookEdit": notebook,
}
FOR_PEOPLE = {("Bash", "description"), ("Agent", "description")}
# fields that no rule names; all of them count, since nobody knows what they mean
UNNAMED = [
    ("Bash", "encoding"),
    ("Read", "encoding"),
    ("Write", "encoding"),
    ("Edit", "encoding"),
    ("Edit", "post_state_sha256"),
    ("Glob", "encoding"),
    ("Grep", "encoding"),
    ("Grep", "glob"),
    ("Grep", "-A"),
    ("Grep", "-B"),
    ("Grep", "-C"),
    ("Agent", "encoding"),
    ("NotebookEdit", "new_source"),
]


@pytest.fixture(scope="module")
def sides() -> dict[str, tuple[Side, Side]]:
    return {pair.name.partition("-")[2]: pair.sides() for pair in find_pairs(CORPUS)}


@pytest.fixture(scope="module")
def pinned() -> dict[str, tuple[float | str, tuple[str, ...] | None]]:
    found = {}
    for pair in find_pairs(CORPUS):
        assert pair.meta.expect is not None
        found[pair.name.partition("-")[2]] = (pair.meta.expect.score, pair.meta.expect.drifts)
    return found


@pytest.fixture
def noticed(sides: dict[str, tuple[Side, Side]], pinned: dict[str, Any]) -> Callable[..., set[str]]:
    """The pairs of which the meter, as it is now, does not say what is pinned."""

    def by(settings: Settings | None = None) -> set[str]:
        out = set()
        for name, (teacher, student) in sides.items():
            report = compare.compare(teacher, student, settings)
            score = report.verdict if report.score is None else report.score
            if (score, tuple(drift.short for drift in report.drifts)) != pinned[name]:
                out.add(name)
        return out

    return by


def without(tool: Tool, names: frozenset[str]) -> Tool:
    """A tool whose rule does not see some fields."""

    def call(given: Mapping[str, Any], place: Any, ok: bool | None) -> Any:
        return tool.call({key: value for key, value in given.items() if key not in names}, place, ok)

    return tool._replace(call=call)


def named_fields() -> Iterator[tuple[str, str]]:
    """What the rules name, taken from the rules, so that a new field needs a new pair."""
    for tool, module in MODULES.items():
        known = module._KNOWN
        yield from ((tool, name) for name in sorted(known - PATHS) if (tool, name) not in FOR_PEOPLE)
        if known & PATHS:
            yield tool, "path"


def test_an_honest_meter_is_as_pinned(noticed: Callable[..., set[str]]) -> None:
    assert noticed() == set()


@pytest.mark.parametrize(("tool", "name"), [*named_fields(), *UNNAMED], ids=str)
def test_a_field_that_is_ignored(
    noticed: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch, tool: str, name: str
) -> None:
    for alias, entry in TOOLS.items():
        if entry.name == tool:
            monkeypatch.setitem(TOOLS, alias, without(entry, PATHS if name == "path" else frozenset({name})))
    assert noticed()


def test_what_is_for_people_is_ignored(noticed: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("Bash", "Agent"):
        tool = TOOLS[name]
        told = lambda given, place, ok, rule=tool.call: (*rule(given, place, ok), given.get("description"))  # noqa: E731 - a rule is one line
        with monkeypatch.context() as patch:
            patch.setitem(TOOLS, name, tool._replace(call=told))
            assert "what-is-for-people" in noticed()


@pytest.mark.parametrize("tool", MODULES)
def test_a_rule_that_is_always_true(
    noticed: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch, tool: str
) -> None:
    for alias, entry in TOOLS.items():
        if entry.name == tool:
            monkeypatch.setitem(TOOLS, alias, entry._replace(call=lambda _given, _place, _ok: ()))
    assert noticed()


@pytest.mark.parametrize("names", [("event",), ("matcher",), ("decision", "exit_code"), ("output",)], ids=str)
def test_a_field_of_a_hook_that_is_ignored(
    noticed: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    """A decision and its exit code are one: a valid trace has none without the other."""
    rule = hook.call
    monkeypatch.setattr(hook, "call", lambda record, place: rule({**record, **dict.fromkeys(names, "")}, place))
    assert noticed()


@pytest.mark.parametrize("name", ["name", "source", "instructions_injected"])
def test_a_field_of_a_skill_that_is_ignored(
    noticed: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    rule = skill.call
    monkeypatch.setattr(skill, "call", lambda record, place: rule({**record, name: ""}, place))
    assert noticed()


@pytest.mark.parametrize(("part", "pair"), [(0, "write-that-failed"), (1, "result-exit-code"), (2, "result-content")])
def test_a_part_of_a_result_that_is_ignored(
    noticed: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch, part: int, pair: str
) -> None:
    rule = result.outcome

    def outcome(*given: Any) -> Any:
        parts = rule(*given)
        if parts is None:
            return None
        return parts[:2] if part == 2 else (*parts[:part], None, *parts[part + 1 :])

    monkeypatch.setattr(result, "outcome", outcome)
    assert pair in noticed()


def index_by_index(teacher: list[Any], student: list[Any], _bound: int) -> Alignment:
    runs = [(at, at, 1) for at, (one, two) in enumerate(zip(teacher, student, strict=False)) if one == two]
    return Alignment(tuple(runs), len(runs))


def trusting(given: Mapping[str, Any], place: Any, ok: bool | None) -> Any:
    """Believes what an edit says about its own outcome."""
    claim = given.get("post_state_sha256")
    return (given["file_path"], claim) if claim else edit.call(given, place, ok)


def claims_dropped(given: Mapping[str, Any], place: Any, ok: bool | None) -> Any:
    """Computes the outcome, and does not mind a claim that is wrong."""
    return edit.call({key: value for key, value in given.items() if key != "post_state_sha256"}, place, ok)


def by_words(given: Mapping[str, Any], _place: Any, _ok: bool | None) -> Any:
    """Compares edits by what was asked, never by what came of it."""
    return given["file_path"], given["old_string"], given["new_string"]


def all_but(kind: str) -> Callable[[Any], Any]:
    """Actions of all kinds but one."""
    honest = actions_of
    return lambda *given: [action for action in honest(*given) if action.kind != kind]


def as_bags(teacher: list[Any], student: list[Any], _bound: int) -> Alignment:
    """As many pairs as two bags of actions have in common."""
    common = sum((Counter(teacher) & Counter(student)).values())
    return Alignment(((0, 0, common),) if common else (), common)


def one_is_one(given: Mapping[str, Any], _place: Any, _ok: bool | None) -> Any:
    """Takes 1.0 for 1."""
    return (json.dumps(given, sort_keys=True).replace("1.0", "1"),)


# what is broken, how, and pairs that must come out otherwise
FAULTS: dict[str, tuple[Any, str, Any, set[str]]] = {
    "paths as they are": (
        paths.Place,
        "path",
        lambda _self, text: text,
        {"absolute-or-relative", "dots-and-slashes-in-paths", "notebook-by-another-path"},
    ),
    "paths in small letters": (paths.Place, "path", lambda _self, text: text.lower(), {"path-in-small-letters"}),
    "dots that lead out dropped": (
        paths.Place,
        "path",
        lambda _self, text: text.removeprefix("../"),
        {"path-that-leaves"},
    ),
    "the folder's name stays in texts": (
        paths.Place,
        "text",
        lambda _self, text: text,
        {"results-that-name-the-folder", "hooks-that-name-the-folder", "commands-that-name-the-folder"},
    ),
    "line ends of results count": (result, "smooth", lambda text: text, {"line-ends-of-results"}),
    "commands as they are": (bash, "_normalised", lambda text: text, {"blanks-between-words"}),
    "all blanks squeezed": (
        bash,
        "_normalised",
        lambda text: " ".join(text.split()).rstrip("; "),
        {"bash-blanks-in-quotes", "bash-line-ends"},
    ),
    "unknown tools always the same": (
        other,
        "call",
        lambda _given, _place, _ok: (),
        {"unknown-tool-input", "unknown-tool-null"},
    ),
    "numbers without their types": (other, "call", one_is_one, {"unknown-tool-numbers"}),
    "hooks dropped": (compare, "actions_of", all_but("hook"), {"hook-decision", "missing-hook-at-the-end"}),
    "skills dropped": (compare, "actions_of", all_but("skill"), {"skill-name", "extra-skill-in-front"}),
    "tools dropped": (compare, "actions_of", all_but("tool"), {"read-and-answer", "missing-call", "other-tool"}),
    "the course ignored": (
        compare,
        "course_drifts",
        lambda _one, _two: [],
        {"last-turn-cut", "session-ended-in-error", "one-turn-more", "one-turn-less"},
    ),
    "files ignored": (
        compare,
        "mutation_drifts",
        lambda _one, _two: [],
        {"files-after-a-command", "files-on-one-side", "files-by-what-was-written", "edit-by-its-outcome"},
    ),
    "blanks in Markdown count": (files, "_prose", lambda content: content, {"files-that-do-not-count"}),
    "index by index": (
        compare,
        "align",
        index_by_index,
        {"missing-call", "one-call-in-front", "block-moved", "missing-hook-in-front", "extra-skill-in-front"},
    ),
    "order ignored": (compare, "align", as_bags, {"two-calls-swapped", "block-moved"}),
    "prompts and trees ignored": (
        compare,
        "incomparable",
        lambda _one, _two: "",
        {"other-prompt", "other-tree", "tree-that-is-not-there"},
    ),
    "another hash of trees": (
        compare,
        "tree_sha256",
        lambda _tree: "0" * 64,
        {"write-a-note", "other-hunks-same-file"},
    ),
}
ENTRIES: dict[str, tuple[str, Tool, set[str]]] = {
    "Task is a tool of its own": ("Task", Tool("Task", agent.call), {"task-is-agent"}),
    "names in small letters": ("bash", TOOLS["Bash"], {"name-in-small-letters"}),
    "claims trusted": ("Edit", Tool("Edit", trusting), {"claimed-state-of-both"}),
    "claims dropped": ("Edit", Tool("Edit", claims_dropped), {"claimed-state-that-is-wrong"}),
    "edits by their words": ("Edit", Tool("Edit", by_words), {"other-hunks-same-file"}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_meter_is_noticed(
    noticed: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    where, name, instead, blind = FAULTS[fault]
    monkeypatch.setattr(where, name, instead)
    assert blind <= noticed()


@pytest.mark.parametrize("fault", ENTRIES)
def test_a_faulty_rule_is_noticed(
    noticed: Callable[..., set[str]], monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    name, tool, blind = ENTRIES[fault]
    monkeypatch.setitem(TOOLS, name, tool)
    assert blind <= noticed()


def test_results_may_be_left_out(noticed: Callable[..., set[str]]) -> None:
    by_success = noticed(Settings(results="ok"))
    assert "result-content" in by_success
    assert not by_success & {"result-not-ok", "result-exit-code"}
    assert {"result-content", "result-not-ok", "result-exit-code"} <= noticed(Settings(results="none"))


def test_files_that_do_not_count_are_left_out_when_trees_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    (pair,) = (pair for pair in find_pairs(CORPUS) if pair.name.endswith("files-that-do-not-count"))
    assert compare.compare(*pair.sides()).verdict == "agrees"
    monkeypatch.setattr(pairs, "snapshot", lambda folder: tree.snapshot(folder, ()))
    monkeypatch.setattr(files, "Exclusions", lambda _patterns: tree.Exclusions(()))
    drifts = [drift.label for drift in compare.compare(*pair.sides()).drifts]
    assert drifts == ["target/tables.txt", "tools.lock"]
