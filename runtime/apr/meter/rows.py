"""Rows of a capability matrix: what an agent can do, and by what in a trace one sees that it did.

A file of rows is YAML: `rows:`, a list of `id`, `about`, `status` (`SHIPPED`, `PARTIAL`, `MISSING`), and either `feature:` (one or a
list) or `out_of_scope:` with the reason why no trace can show it. What is missing needs neither. The upstream takes what is out of
scope from the command line, where all rows can be put there and nothing is left to be covered.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from apr.actions.inputs import read_small
from apr.errors import UnusableInput
from apr.yaml_text import parse_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STATUSES = ("SHIPPED", "PARTIAL", "MISSING")
_KEYS = frozenset({"id", "about", "status", "feature", "out_of_scope"})


@dataclass(frozen=True)
class Feature:
    """Something that can be taken out of a trace.

    Attributes:
        kind: `tool`, `hook` or `skill` (an action), `result` (of a call), `course` (why turns and session ended), `files` (that were
            left).
        name: of the tool, the hook's event or the skill, with `*` and `?` as in file names; which part of the result: `ok`, `content`,
            `exit_code`.
        part: which field of the action is altered; None where the whole action is taken away.
        where: field -> pattern: only actions whose fields say that.
    """

    kind: str
    name: str = ""
    part: str | None = None
    where: Mapping[str, str] = field(default_factory=dict)

    KINDS: ClassVar[Mapping[str, frozenset[str]]] = {
        "tool": frozenset({"field", "where"}),
        "hook": frozenset({"field", "where"}),
        "skill": frozenset({"field", "where"}),
        "result": frozenset(),
        "course": frozenset(),
        "files": frozenset(),
    }
    # fields whose loss can be shown; a hook's exit code follows from its decision
    FIELDS: ClassVar[Mapping[str, frozenset[str]]] = {
        "hook": frozenset({"matcher", "decision", "output"}),
        "skill": frozenset({"name", "source", "instructions_injected"}),
        "result": frozenset({"ok", "content", "exit_code"}),
    }

    def __str__(self) -> str:
        where = " where " + ", ".join(f"{key} is {value}" for key, value in self.where.items()) if self.where else ""
        name = f" {self.name}" if self.name else ""
        return f"{self.kind}{name}{'.' + self.part if self.part else ''}{where}"


@dataclass(frozen=True)
class Row:
    """One capability.

    Attributes:
        id: as pairs name it in `covers`.
        about: in one line.
        status: one of `STATUSES`.
        features: by what one sees it.
        out_of_scope: why no trace can show it; empty where one can.
    """

    id: str
    about: str
    status: str
    features: tuple[Feature, ...] = ()
    out_of_scope: str = ""

    @property
    def wanted(self) -> bool:
        """Whether it has to be covered."""
        return self.status != "MISSING" and not self.out_of_scope


def load_rows(path: Path) -> list[Row]:
    """Reads a file of rows.

    Raises:
        UnusableInput: it cannot be read, says something that no row says, or holds no row that has to be covered.
    """
    content = parse_yaml(read_small(path), str(path))
    if not isinstance(content, dict) or set(content) != {"rows"} or not isinstance(content["rows"], list):
        raise UnusableInput("should hold `rows:` and below it a list", where=str(path))
    rows: dict[str, Row] = {}
    for number, entry in enumerate(content["rows"], 1):
        row = _row(entry, f"{path}: row {number}")
        if row.id in rows:
            raise UnusableInput(f"the row {row.id!r} is there twice", where=f"{path}: row {number}")
        rows[row.id] = row
    if not any(row.wanted for row in rows.values()):
        raise UnusableInput(
            "no row has to be covered: all are missing or out of scope, or there is none",
            where=str(path),
            hint="a matrix without a row says nothing about the pairs",
        )
    return list(rows.values())


def _row(entry: Any, where: str) -> Row:
    if not isinstance(entry, dict):
        raise UnusableInput("should map keys to values", where=where)
    unknown = sorted(str(key) for key in entry if key not in _KEYS)
    if unknown:
        raise UnusableInput(f"unknown key {unknown[0]!r}", where=where, hint=f"there are {', '.join(sorted(_KEYS))}")
    texts = {key: _text(entry, key, where) for key in ("id", "about", "status")}
    if texts["status"] not in STATUSES:
        raise UnusableInput(f"the status {texts['status']!r} is none of {', '.join(STATUSES)}", where=where)
    reason = _text(entry, "out_of_scope", where) if "out_of_scope" in entry else ""
    given = entry.get("feature", [])
    features = tuple(_feature(one, where) for one in (given if isinstance(given, list) else [given]))
    if reason and features:
        raise UnusableInput("is out of scope and has a feature", where=where, hint="leave one of both out")
    row = Row(texts["id"], texts["about"], texts["status"], features, reason)
    if row.wanted and not features:
        raise UnusableInput(
            "has to be covered and has no feature",
            where=where,
            hint="say by what in a trace it is seen (feature:), or why it cannot be (out_of_scope:)",
        )
    return row


def _text(entry: Mapping[str, Any], key: str, where: str) -> str:
    value = entry.get(key)
    if not isinstance(value, str) or not value.strip():
        raise UnusableInput(f"{key} should be text", where=where)
    return value


def _feature(entry: Any, where: str) -> Feature:
    if not isinstance(entry, dict):
        raise UnusableInput("a feature should be like {tool: Bash}", where=where)
    kinds = [kind for kind in Feature.KINDS if kind in entry]
    if len(kinds) != 1:
        raise UnusableInput(
            f"a feature is of one kind, not {' and '.join(kinds) or 'none'}", where=where, hint=_choice(Feature.KINDS)
        )
    (kind,) = kinds
    unknown = sorted(str(key) for key in entry if key != kind and key not in Feature.KINDS[kind])
    if unknown:
        raise UnusableInput(f"a feature of kind {kind} has no key {unknown[0]!r}", where=where)
    if kind in {"course", "files"}:
        if entry[kind] is not True:
            raise UnusableInput(f"{kind} should be true", where=where)
        return Feature(kind)
    name = _text(entry, kind, where)
    part = name if kind == "result" else _text(entry, "field", where) if "field" in entry else None
    allowed = Feature.FIELDS.get(kind)
    if allowed is not None and part is not None and part not in allowed:
        raise UnusableInput(f"a {kind} has no {part!r} that could be altered", where=where, hint=_choice(allowed))
    patterns = entry.get("where", {})
    if not isinstance(patterns, dict) or not all(isinstance(text, str) for item in patterns.items() for text in item):
        raise UnusableInput("where should map fields to patterns", where=where)
    return Feature(kind, name, None if kind == "result" else part, patterns)


def _choice(names: Sequence[str] | Mapping[str, Any] | frozenset[str]) -> str:
    return f"there are {', '.join(sorted(names))}"
