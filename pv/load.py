"""YAML to plain data with the position of every key and value.

libyaml's events are composed here without recursion: scalars follow the YAML 1.2 core schema (`1e-6` is a number, `no`
and `2026-01-02` are strings), keys are their own text, and what makes YAML dangerous or ambiguous is refused: duplicate
keys, tags, several documents, deep nesting, aliases that contain themselves or blow up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from pv.types import Diagnostic, Severity, Span

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pv.source import Source

MAX_DEPTH = 64
MAX_ALIASED = 10_000  # values that aliases may repeat in one file
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAX_DIGITS = 1_000  # in any base; Python refuses to write or read integers of much more


@dataclass(slots=True, eq=False)
class Node:
    """A value with its place: `keys` holds the places of a mapping's keys, `items` the nodes below."""

    value: Any
    span: Span
    keys: dict[str, Span]
    items: dict[str, Node] | list[Node]
    size: int = 1
    plain: bool = False


@dataclass(frozen=True, eq=False)
class Document:
    """A loaded file: its plain data, and where each part of it stands."""

    source: Source
    root: Node = field(repr=False)  # through aliases its text may be far longer than the file

    @property
    def data(self) -> Any:
        """The plain data."""
        return self.root.value

    def node(self, path: Iterable[str | int]) -> Node:
        """The node at `path`, or the nearest one above it that exists."""
        node = self.root
        for step in path:
            below = node.items
            if isinstance(below, dict) and step in below:
                node = below[str(step)]
            elif isinstance(below, list) and isinstance(step, int) and step < len(below):
                node = below[step]
            else:
                return node
        return node

    def value_span(self, *path: str | int) -> Span:
        """Where the value at `path` stands."""
        return self.node(path).span

    def plain(self, *path: str | int) -> bool:
        """Whether the value at `path` is a scalar without quotes, so that `1.0` and `2026-01-02` are not surely text."""
        return self.node(path).plain

    def key_span(self, *path: str | int) -> Span:
        """Where the key that ends `path` stands; where its owner stands if there is no such key."""
        owner = self.node(path[:-1])
        return owner.keys.get(str(path[-1]), owner.span)


class _Refusal(Exception):
    def __init__(self, code: str, span: Span, message: str, fix: str | None = None) -> None:
        super().__init__(message)
        self.code, self.span, self.message, self.fix = code, span, message, fix


def load(source: Source) -> Document | Diagnostic:
    """Read one YAML document; what cannot be read comes back as the finding that says why."""
    try:
        root = _Composer().compose(yaml.parse(source.text.encode(), Loader=_LOADER))
    except _Refusal as refusal:
        return Diagnostic(source.name, refusal.span, refusal.code, Severity.ERROR, refusal.message, refusal.fix)
    except yaml.reader.ReaderError as problem:
        code_point = problem.character if isinstance(problem.character, int) else ord(problem.character)
        before = source.text.encode()[: problem.position].decode("utf-8", "replace")
        message = f"character U+{code_point:04X} is not allowed in YAML"
        return Diagnostic(source.name, source.locate(len(before)), "PV003", Severity.ERROR, message, "remove it")
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        span = Span(mark.line + 1, mark.column + 1) if mark else Span(1, 1)
        message = ", ".join(part for part in (problem.problem, problem.context) if part)
        return Diagnostic(source.name, source.clamp(span), "PV003", Severity.ERROR, f"not YAML: {message}")
    return Document(source, root)


class _Composer:
    """Builds the tree of one document from libyaml's events, without recursion."""

    def __init__(self) -> None:
        self.open: list[Node] = []
        self.key: list[tuple[str, Span] | None] = []  # for each open mapping, the key that waits for its value
        self.anchors: dict[str, Node] = {}
        self.opened_anchors: list[str | None] = []
        self.aliased = 0
        self.root: Node | None = None

    def compose(self, events: Iterable[yaml.Event]) -> Node:
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _Refusal("PV008", _span(event), "a second document begins here", "one contract a file")
            elif isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._begin(event)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._end()
        return self.root or Node(None, Span(1, 1), {}, [])

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        span = _span(event)
        _refuse_tag(event.tag, span)
        if self._wants_key():
            self._take_key(event.value, span)
            return
        plain = event.implicit[0] and event.tag is None
        node = Node(_resolve(event.value, span) if plain else event.value, span, {}, [], plain=plain)
        if event.anchor:
            self.anchors[event.anchor] = node
        self._place(node)

    def _alias(self, event: yaml.AliasEvent) -> None:
        span = _span(event)
        if self._wants_key():
            raise _Refusal("PV007", span, "an alias cannot be a key", "write the key out")
        if event.anchor in self.opened_anchors:
            raise _Refusal("PV007", span, f"alias *{event.anchor} contains itself", "write the value out")
        node = self.anchors.get(event.anchor or "")
        if node is None:
            raise _Refusal("PV007", span, f"alias *{event.anchor} names no anchor above it")
        self.aliased += node.size
        if self.aliased > MAX_ALIASED:
            raise _Refusal("PV007", span, f"aliases repeat more than {MAX_ALIASED} values", "write the values out")
        self._place(node)

    def _begin(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        span = _span(event)
        _refuse_tag(event.tag, span)
        if self._wants_key():
            raise _Refusal("PV003", span, "a mapping or list cannot be a key", "keys are plain words")
        if len(self.open) >= MAX_DEPTH:
            raise _Refusal("PV006", span, f"nested more than {MAX_DEPTH} levels deep", "flatten the structure")
        mapping = isinstance(event, yaml.MappingStartEvent)
        self.open.append(Node({}, span, {}, {}) if mapping else Node([], span, {}, []))
        self.key.append(None)
        self.opened_anchors.append(event.anchor)

    def _end(self) -> None:
        node = self.open.pop()
        self.key.pop()
        anchor = self.opened_anchors.pop()
        if anchor:
            self.anchors[anchor] = node
        self._place(node)

    def _wants_key(self) -> bool:
        return bool(self.open) and isinstance(self.open[-1].items, dict) and self.key[-1] is None

    def _take_key(self, key: str, span: Span) -> None:
        keys = self.open[-1].keys
        if key in keys:
            raise _Refusal(
                "PV004",
                span,
                f"duplicate key {key!r}, first at line {keys[key].line}",
                "keep one of the two; YAML readers disagree about which one counts",
            )
        keys[key] = span
        self.key[-1] = (key, span)

    def _place(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        owner = self.open[-1]
        owner.size += node.size
        if isinstance(owner.items, list):
            owner.items.append(node)
            owner.value.append(node.value)
            return
        waiting = self.key[-1]
        if waiting is None:
            raise RuntimeError("a value came before its key")
        owner.items[waiting[0]] = node
        owner.value[waiting[0]] = node.value
        self.key[-1] = None


def _span(event: yaml.Event) -> Span:
    start, end = event.start_mark, event.end_mark
    if start is None or end is None:
        return Span(1, 1)
    width = end.column - start.column if start.line == end.line else 1
    return Span(start.line + 1, start.column + 1, max(1, width))


def _refuse_tag(tag: str | None, span: Span) -> None:
    if tag is not None and tag != "!":
        raise _Refusal("PV005", span, f"tag {tag!r} is not allowed in a contract", "write the plain value")


def _resolve(text: str, span: Span) -> Any:
    """The value of a plain scalar by the YAML 1.2 core schema."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "-+.0123456789":
        return text
    if _INT.fullmatch(text):
        if len(text) > _MAX_DIGITS:
            raise _Refusal("PV003", span, f"an integer of {len(text)} digits", "quote it if it is text")
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text, base)
    if _SPECIAL.fullmatch(text):
        return float(text.lower().replace(".", ""))
    return float(text) if _FLOAT.fullmatch(text) else text
