"""Taking a feature out of a student's trace, so that a meter which sees it must say so.

What is left is not meant to be a valid trace: a turn whose call is gone still ends with `tool_use`. Turns, stops and everything
else stay as they are on purpose, so that a meter which is blind to the feature has nothing else to notice. Nothing of it is ever
written. An action is taken away (a call with its result); a field gets a value that nobody meant, of the same type; a decision, a
source or a truth is turned round; the course gets another last stop; the tree gets a file of its own.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from apr.actions.trace import Entry
from apr.actions.tree import Leaf, Tree
from apr.meter.equality import tool_named
from apr.meter.files import State, final_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from apr.actions.trace import Record
    from apr.meter.rows import Feature
    from apr.meter.sides import Side

_ALIEN_FILE = "ablated"
_TURNED = {"allow": ("block", 2), "warn": ("block", 2), "block": ("allow", 0)}  # a decision and its exit code
_SOURCES = {"user_invoked": "auto_matched", "auto_matched": "user_invoked"}
_FAR = 1_000_003  # added to numbers: no offset, limit or code is that far off


def ablate(side: Side, feature: Feature) -> Side | None:
    """The same side without a feature.

    Args:
        side: a student's.
        feature: what is taken out.

    Returns:
        None where there is nothing to take out.
    """
    left = _left(side)
    if feature.kind == "files":
        return None if left is None else replace(side, after=left.with_one_more())
    rewrite = _REWRITES[feature.kind]
    entries = tuple(rewrite(side.entries, feature))
    # what a call left behind stays there when the call is gone: a meter that sees files alone has not seen the call
    return None if entries == tuple(side.entries) else replace(side, entries=entries, after=left)


class _Left(Tree):
    """The tree that a side left, seen or computed, held fast.

    Args:
        state: what is known of it.
        tree: where its unchanged files are.
    """

    def __init__(self, state: State, tree: Tree, more: Mapping[str, Leaf] | None = None) -> None:
        super().__init__({**(state.files or {}), **(more or {})}, tree.root, tree.excluded)
        self._state, self._tree = state, tree

    def content(self, path: str) -> bytes | None:
        """A file's bytes, those that were computed too; see `Tree.content`."""
        return self._state.content(path)

    def with_one_more(self) -> _Left:
        """The same with a file that nobody made."""
        alien_leaf = Leaf(hashlib.sha256(_ALIEN_FILE.encode()).hexdigest())
        return _Left(self._state, self._tree, {_ALIEN_FILE: alien_leaf})


def _left(side: Side) -> _Left | None:
    """The tree that a side left; None where that is not known."""
    state = final_state(side.entries, side.cwd, side.before, side.after)
    tree = side.after if side.after is not None else side.before
    return None if state.files is None or tree is None else _Left(state, tree)


def alien(value: Any) -> Any:
    """A value of the same type that nobody meant."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + _FAR
    return f"ablated {value}" if isinstance(value, str) else "ablated"


def _tools(entries: Sequence[Entry], feature: Feature) -> Iterator[Entry]:
    gone: set[str] = set()
    for line, record in entries:
        if record["kind"] == "assistant_turn":
            blocks = []
            for block in record["blocks"]:
                if not _is_meant(block, feature):
                    blocks.append(block)
                elif feature.part is None:
                    gone.add(block["id"])
                else:
                    blocks.append({**block, "input": _altered(block["input"], feature.part)})
            yield Entry(line, record if blocks == record["blocks"] else {**record, "blocks": blocks})
        elif record["kind"] != "tool_result" or record["tool_use_id"] not in gone:
            yield Entry(line, record)


def _is_meant(block: Mapping[str, Any], feature: Feature) -> bool:
    if block["type"] != "tool_use":
        return False
    # another name of the same tool is that tool
    named = fnmatchcase(block["name"], feature.name) or fnmatchcase(tool_named(block["name"]).name, feature.name)
    return named and _says(block["input"], feature.where)


def _says(fields: Mapping[str, Any], where: Mapping[str, str]) -> bool:
    return all(isinstance(fields.get(key), str) and fnmatchcase(fields[key], text) for key, text in where.items())


def _altered(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return {**given, name: alien(given[name])} if name in given else given


def _hooks(entries: Sequence[Entry], feature: Feature) -> Iterator[Entry]:
    for line, record in entries:
        if (
            record["kind"] != "hook_event"
            or not fnmatchcase(record["event"], feature.name)
            or not _says(record, feature.where)
        ):
            yield Entry(line, record)
        elif feature.part == "decision":
            decision, code = _TURNED[record["decision"]]
            yield Entry(line, {**record, "decision": decision, "exit_code": code})
        elif feature.part is not None:
            yield Entry(line, _altered(record, feature.part))


def _skills(entries: Sequence[Entry], feature: Feature) -> Iterator[Entry]:
    for line, record in entries:
        if (
            record["kind"] != "skill_invocation"
            or not fnmatchcase(record["name"], feature.name)
            or not _says(record, feature.where)
        ):
            yield Entry(line, record)
        elif feature.part == "source":
            yield Entry(line, {**record, "source": _SOURCES[record["source"]]})
        elif feature.part is not None:
            yield Entry(line, _altered(record, feature.part))


def _results(entries: Sequence[Entry], feature: Feature) -> Iterator[Entry]:
    asked: dict[str, str] = {}
    for line, record in entries:
        if record["kind"] != "tool_result":
            if record["kind"] == "assistant_turn":
                asked |= {block["id"]: block["name"] for block in record["blocks"] if block["type"] == "tool_use"}
            yield Entry(line, record)
        elif feature.name == "content" and not _counts(asked[record["tool_use_id"]], record):
            yield Entry(line, record)
        elif feature.name == "exit_code":
            effects = record.get("side_effects", {})
            changed = _altered(effects, "exit_code")
            yield Entry(line, record if changed is effects else {**record, "side_effects": changed})
        else:
            yield Entry(line, _altered(record, feature.name))


def _counts(tool: str, record: Record) -> bool:
    """Whether anything that the tool said does."""
    return tool_named(tool).says(record["content"], record["ok"]) is not None


def _course(entries: Sequence[Entry], _feature: Feature) -> Iterator[Entry]:
    last = max((at for at, (_, record) in enumerate(entries) if record["kind"] == "assistant_turn"), default=None)
    for at, (line, record) in enumerate(entries):
        if at == last or record["kind"] == "session_end":
            stop = "max_tokens" if record["stop_reason"] != "max_tokens" else "end_turn"
            yield Entry(line, {**record, "stop_reason": stop})
        else:
            yield Entry(line, record)


_REWRITES: dict[str, Callable[[Sequence[Entry], Feature], Iterator[Entry]]] = {
    "tool": _tools,
    "hook": _hooks,
    "skill": _skills,
    "result": _results,
    "course": _course,
}
