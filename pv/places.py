"""Where each value of a YAML text begins and ends, by character, as its own events tell."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

import yaml

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_KEEPS = re.compile(r"(?:[&!]\S*\s+)*[|>][0-9]?\+")  # the head of a block scalar that keeps the empty lines below it

Kind = Literal["scalar", "alias", "mapping", "list"]


@dataclass(slots=True, eq=False)
class Node:
    """A value in the text, from `start` to the end of what it says; the children of a mapping stand beside its keys.

    Each key is its text and where it begins and ends. Comments and empty lines behind a value do not belong to it.
    """

    start: int
    end: int
    kind: Kind
    flow: bool = False
    column: int = 0
    children: list[Node] = field(default_factory=list)
    keys: list[tuple[str, int, int]] = field(default_factory=list)

    def child(self, key: str) -> Node | None:
        """The value under `key` of a mapping."""
        return next((one for (name, _, _), one in zip(self.keys, self.children, strict=False) if name == key), None)

    def key(self, key: str) -> tuple[int, int]:
        """Where `key` begins and ends.

        Raises:
            StopIteration: there is no such key.
        """
        return next((start, end) for name, start, end in self.keys if name == key)


def compose(text: str) -> Node | None:
    """The places of all values of a text that `pv.load` can read; None for an empty one."""
    places = _Places(text)
    for event in yaml.parse(text, Loader=_LOADER):
        places.take(event)
    return places.root


class _Places:
    """Builds the tree from events, without recursion."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.open: list[Node] = []
        self.key: list[tuple[str, int, int] | None] = []  # for each open value, the key that waits for what it names
        self.root: Node | None = None

    def take(self, event: yaml.Event) -> None:
        if event.start_mark is None or event.end_mark is None:
            raise RuntimeError("an event of YAML without a place")
        start, end, column = event.start_mark.index, event.end_mark.index, event.start_mark.column
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            kind: Kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "list"
            self.open.append(Node(start, end, kind, bool(event.flow_style), column))
            self.key.append(None)
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close(end)
        elif isinstance(event, yaml.AliasEvent):
            self._place(Node(start, end, "alias"))
        elif isinstance(event, yaml.ScalarEvent):
            if self.open and self.open[-1].kind == "mapping" and self.key[-1] is None:
                self.key[-1] = (event.value, start, end)
            else:
                self._place(Node(start, self._end(start, end, event.style), "scalar"))

    def _close(self, end: int) -> None:
        node = self.open.pop()
        self.key.pop()
        node.end = end if node.flow else max(node.end, *(one.end for one in node.children))
        self._place(node)

    def _place(self, node: Node) -> None:
        if not self.open:
            self.root = node
            return
        owner, key = self.open[-1], self.key[-1]
        owner.children.append(node)
        if key is not None:
            owner.keys.append(key)
            owner.end = max(owner.end, key[2])
            self.key[-1] = None

    def _end(self, start: int, end: int, style: str | None) -> int:
        """Where a scalar's own text ends; the event of a block scalar also covers the empty lines below it."""
        if style not in ("|", ">") or _KEEPS.match(self.text, start):
            return end
        return start + len(self.text[start:end].rstrip())
