"""Contracts that depend on each other in a circle (PV333).

`metadata.depends_on` says what must hold first. In a circle nothing does: each contract rests on the others, and what must be
looked at again after a change has no end.

Bad:

    metadata: {version: "1.0.0", description: d, references: [r], depends_on: [base-v1]}

Good:

    metadata: {version: "1.0.0", description: d, references: [r], depends_on: [softmax-kernel-v1]}

Upstream: `pv graph` shows circles; no rule refuses them.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from pv.rules._problem import Problem
from pv.rules._references import names, stem
from pv.types import Severity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pv.index import Index
    from pv.parse import Contract

CODE = "PV333"
SEVERITY = Severity.ERROR
SHOWN = 8  # contracts of a circle that a message names

_KNOWN: weakref.WeakKeyDictionary[Index, _Groups] = weakref.WeakKeyDictionary()


def check_across(contract: Contract, index: Index) -> Iterator[Problem]:
    """Yield one problem if the contract depends on itself in the end, at the entry that leads there."""
    entries = list(names(contract.metadata.get("depends_on"), "metadata", "depends_on"))
    if not entries:
        return
    known = _KNOWN.setdefault(index, _Groups())
    group = known.group(contract.name, lambda name: _wanted(name, contract, index))
    for entry in entries:
        first = stem(entry.text)
        way = _way(first, contract, index, group) if first in group or first == contract.name else None
        if way:
            text = " → ".join((contract.name, *(way if len(way) <= SHOWN else [*way[:SHOWN], "…", contract.name])))
            span = contract.document.value_span(*entry.path)
            yield Problem(span, f"contracts depend on each other in a circle: {text}", "drop one of these dependencies")
            return


def _wanted(name: str, contract: Contract, index: Index) -> list[str]:
    """What the contract of this name depends on."""
    if name == contract.name:
        return [stem(one.text) for one in names(contract.metadata.get("depends_on"))]
    found = index.get(name)
    return [stem(one) for one in found.depends_on] if found else []


def _way(start: str, contract: Contract, index: Index, group: frozenset[str]) -> list[str]:
    """The shortest way from `start` to the contract within its group."""
    before: dict[str, str] = {start: ""}
    for name in (waiting := [start]):
        if name == contract.name:
            way = [name]
            while before[way[-1]]:
                way.append(before[way[-1]])
            return way[::-1]
        for after in _wanted(name, contract, index):
            if after in group and after not in before:
                before[after] = name
                waiting.append(after)
    return []


class _Groups:
    """The contracts that reach each other, found without recursion, each looked at once (Tarjan 1972)."""

    def __init__(self) -> None:
        self._group: dict[str, frozenset[str]] = {}
        self._number: dict[str, int] = {}
        self._low: dict[str, int] = {}
        self._open: dict[str, None] = {}

    def group(self, start: str, wanted: Callable[[str], list[str]]) -> frozenset[str]:
        """Every contract that depends on `start` and that `start` depends on, itself included."""
        waiting: list[tuple[str, Iterator[str]]] = []
        if start not in self._group:
            self._enter(start, waiting, wanted)
        while waiting:
            name, rest = waiting[-1]
            after = next(rest, None)
            if after is None:
                waiting.pop()
                if waiting:
                    above = waiting[-1][0]
                    self._low[above] = min(self._low[above], self._low[name])
                self._leave(name)
            elif after not in self._number:
                self._enter(after, waiting, wanted)
            elif after in self._open:
                self._low[name] = min(self._low[name], self._number[after])
        return self._group[start]

    def _enter(self, name: str, waiting: list[tuple[str, Iterator[str]]], wanted: Callable[[str], list[str]]) -> None:
        self._number[name] = self._low[name] = len(self._number)
        self._open[name] = None
        waiting.append((name, iter(wanted(name))))

    def _leave(self, name: str) -> None:
        if self._low[name] == self._number[name]:
            members: list[str] = []
            while not members or members[-1] != name:
                members.append(self._open.popitem()[0])
            together = frozenset(members)
            self._group.update(dict.fromkeys(members, together))
