"""The actions of a trace, in the order of the file: tool calls, hooks that fired, skills that were used.

Each has a key; two actions are the same if their keys are equal. What is compared of each is said in `apr.meter.equality`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from apr.meter.equality import TOOLS, hook, result, skill, tool_named
from apr.meter.overlay import Overlay
from apr.meter.paths import Place

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from pathlib import PurePosixPath

    from apr.actions.trace import Entry
    from apr.actions.tree import Tree
    from apr.meter.equality.result import Results

Kind: TypeAlias = Literal["tool", "hook", "skill"]
_WIDTH = 100  # of a line for people
_TELLING = ("command", "file_path", "path", "notebook_path", "pattern", "prompt")
_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)} | {9: "\\t", 10: "\\n", 13: "\\r"}


class Action(NamedTuple):
    """One action.

    Attributes:
        kind: of which kind.
        label: of the tool (`Agent` also where the trace says `Task`), the hook's event, the skill's name.
        call: what is compared of the action without what came of it; can be hashed.
        key: `call`, and what came of it where that is compared.
        line: where it stands, from 1.
        turn: of its record.
        call_id: of a tool call; None for hooks and skills.
        said: a tool's input, the record of a hook or a skill.
    """

    kind: Kind
    label: str
    call: tuple[Hashable, ...]
    key: tuple[Hashable, ...]
    line: int
    turn: int
    call_id: str | None
    said: Mapping[str, Any]

    @property
    def detail(self) -> str:
        """One short line for people: `Bash: ls -l`."""
        if self.kind == "tool":
            field = next((name for name in _TELLING if isinstance(self.said.get(name), str)), None)
            text = (
                ", ".join(f"{name}={found}" for name, found in self.said.items()) if field is None else self.said[field]
            )
        elif self.kind == "hook":
            matched = f"{self.said['matcher']} " if "matcher" in self.said else ""
            text = f"{matched}{self.said['decision']} (exit code {self.said['exit_code']})"
        else:
            text = self.said["source"].replace("_", " ")
        return f"{self.label}: {_short(text)}"

    @property
    def outcome(self) -> str:
        """What came of a tool call, in one short line: `failed, exit code 1: no such file`; empty where it is not compared."""
        result_key = self.key[1] if self.kind == "tool" else None
        return _short(result.told(result_key)) if isinstance(result_key, tuple) else ""

    @property
    def path(self) -> str | None:
        """The one path that a tool call names, as it is compared; None where it names none."""
        names_one = any(name in self.said for name in ("file_path", "path", "notebook_path"))
        if self.kind != "tool" or not names_one or self.label not in TOOLS or len(self.call) < 3:
            return None
        return self.call[2] if isinstance(self.call[2], str) else None


def actions_of(
    entries: Iterable[Entry], cwd: PurePosixPath | None, before: Tree | None, results: Results
) -> list[Action]:
    """The actions of one trace.

    Args:
        entries: of a valid trace, in its order; may be a stream, each is asked for once.
        cwd: where the agent worked; None where that is not known, absolute paths are then compared as they are.
        before: the tree that it began with; None where that is not known, edits are then compared by their text.
        results: what of a call's result is compared.

    Raises:
        UnusableInput: a file of the tree before, in which something was edited, cannot be read.
    """
    return follow(entries, Place(cwd, None if before is None else Overlay(before)), results)


def follow(entries: Iterable[Entry], place: Place, results: Results) -> list[Action]:
    """The actions of one trace, and in `place.files`, where there are any, what they made of the files.

    Raises:
        UnusableInput: a file of the tree before, in which something was edited, cannot be read.
    """
    actions: list[Action] = []
    asked: dict[str, tuple[int, str, Mapping[str, Any], int, int]] = {}  # calls that wait for their result
    for line, record in entries:
        kind = record["kind"]
        if kind == "assistant_turn":
            for block in record["blocks"]:
                if block["type"] == "tool_use":
                    asked[block["id"]] = (len(actions), block["name"], block["input"], line, record["turn"])
                    actions.append(_OPEN)
        elif kind == "tool_result":
            call_id = record["tool_use_id"]
            at, name, given, asked_line, turn = asked.pop(call_id)
            # only now, because what was edited depends on whether it was
            tool = tool_named(name)
            call = ("tool", tool.name, *tool.call(given, place, record["ok"]))
            key = (call, result.outcome(record, place, results, tool.says))
            actions[at] = Action("tool", tool.name, call, key, asked_line, turn, call_id, given)
        elif kind == "hook_event":
            call = ("hook", *hook.call(record, place))
            actions.append(Action("hook", record["event"], call, call, line, record["turn"], None, record))
        elif kind == "skill_invocation":
            call = ("skill", *skill.call(record, place))
            actions.append(Action("skill", record["name"], call, call, line, record["turn"], None, record))
    for call_id, (at, name, given, line, turn) in asked.items():
        tool = tool_named(name)
        call = ("tool", tool.name, *tool.call(given, place, None))
        actions[at] = Action("tool", tool.name, call, (call, None), line, turn, call_id, given)
    return actions


_OPEN = Action("tool", "", (), (), 0, 0, None, {})  # holds a call's place until its result is there


def _short(text: str) -> str:
    one = text[: _WIDTH + 1].translate(_CONTROLS)
    return one if len(text) <= _WIDTH else one[: _WIDTH - 1] + "…"
