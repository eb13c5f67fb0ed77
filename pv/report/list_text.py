"""Contracts and their claims as a table, or as JSON."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pv.bind import Binding
from pv.report.console import cut, escape, table, width
from pv.report.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.listing import Listed
    from pv.report.console import Paint

HEADING = ("contract", "claim", "level", "declared", "cases", "mutants", "falsifier", "test", "place")
_RIGHT = frozenset({"cases", "mutants"})
_COLOURS = {Binding.UNBOUND: "yellow", Binding.ORPHANED: "red", Binding.DUPLICATE: "red", Binding.BOUND: ""}
_DROPPED = (
    "declared",
    "level",
    "test",
    "cases",
    "contract",
    "mutants",
)  # where a terminal is too narrow, in this order
_LEAST = 12  # columns that a text is cut down to


def as_text(listed: Sequence[Listed], contracts: int, paint: Paint, columns: int | None = None) -> str:
    """One line a claim, then how many there are of what; no wider than `columns` where that can be had."""
    if not listed:
        return headline(listed, contracts)
    names, rows = _fitted([_row(one) for one in listed], columns)
    right = frozenset(index for index, name in enumerate(names) if name in _RIGHT)
    head, *lines = table([names, *rows], paint, right)
    lines = [paint(line, _COLOURS[one.binding]) for line, one in zip(lines, listed, strict=True)]
    return "\n".join([head, *lines, "", paint(headline(listed, contracts), "bold")])


def headline(listed: Sequence[Listed], contracts: int) -> str:
    """How many claims there are in how many contracts, and how many of them have a falsifier."""
    bound = Counter(one.binding for one in listed)
    claims = len(listed) - bound[Binding.ORPHANED]
    told = f"{counted(contracts, 'contract')}, {counted(claims, 'claim')}: {bound[Binding.BOUND]} bound"
    return told + "".join(f", {bound[word]} {word}" for word in Binding if word is not Binding.BOUND and bound[word])


def as_json(listed: Sequence[Listed], contracts: int) -> str:
    """The same as one JSON object of schema `pv-list-v1`."""
    told: dict[str, Any] = {"schema": "pv-list-v1", "headline": headline(listed, contracts), "contracts": contracts}
    return json.dumps({**told, "claims": [_data(one) for one in listed]}, indent=2)


def _row(one: Listed) -> tuple[str, ...]:
    texts = (one.contract, one.claim, one.level, one.declared or "-", str(one.cases), str(one.mutants))
    binding = next((f"contract: {it.property}" for it in one.falsifiers if it.property), str(one.binding))
    return tuple(escape(text) for text in (*texts, binding, one.test, f"{one.path}:{one.line}:{one.col}"))


def _data(one: Listed) -> dict[str, Any]:
    return {
        "contract": one.contract,
        "claim": one.claim,
        "level": one.level,
        "declared": one.declared,
        "params": one.params,
        "cases": one.cases,
        "mutants": one.mutants,
        "binding": one.binding,
        "falsifiers": [
            {"path": it.path, "line": it.line, "qualname": it.qualname, "property": it.property or None}
            for it in one.falsifiers
        ],
        "test": one.test,
        "path": one.path,
        "line": one.line,
        "col": one.col,
    }


def _fitted(rows: list[tuple[str, ...]], columns: int | None) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The columns that there is room for, what says least left out first; then the longest texts are cut."""
    data = {name: [row[at] for row in rows] for at, name in enumerate(HEADING)}
    if columns is None:
        return HEADING, rows
    for name in _DROPPED:
        if _wide(data) > columns:
            del data[name]
    while _wide(data) > columns:
        name = max(data, key=lambda one: max(map(width, data[one])))
        longest = max(map(width, data[name]))
        if longest <= _LEAST:
            break
        room = max(_LEAST, longest - (_wide(data) - columns))
        data[name] = [cut(text, room) for text in data[name]]
    return tuple(data), list(zip(*data.values(), strict=True))


def _wide(data: dict[str, list[str]]) -> int:
    return sum(max(map(width, (name, *texts))) for name, texts in data.items()) + 2 * (len(data) - 1)
