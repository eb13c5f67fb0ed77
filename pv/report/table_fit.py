"""The table of contracts made narrower for a terminal: what says least goes first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pv.report.console import cut, width

if TYPE_CHECKING:
    from collections.abc import Sequence

_GAP = 2  # columns between columns
_LEAST_WORST = 20  # fewer columns of a worst distance say nothing
_LEAST_NAME = 16
# columns that may go when no contract has anything in them
_ZEROS = ("error", "stale", "refuted", "trend", "inconclusive")
_SHORT = {
    "discharged": "disch.",
    "refuted": "ref.",
    "inconclusive": "inc.",
    "mutants": "mut.",
}
_EMPTY = frozenset({"0", "-"})


@dataclass(frozen=True)
class Fitted:
    """What is left of a table: the names of its columns, and its rows, the heading first."""

    names: tuple[str, ...]
    rows: list[tuple[str, ...]]


def fit(rows: Sequence[Sequence[str]], columns: int) -> Fitted:
    """The table, no wider than `columns` where that can be had.

    In this order: the worst distance is cut or dropped; columns of nothing but zeros go; what is declared goes, since a
    status that is overstated says so and an own block names both; trend and level go; headings are shortened; the marks at
    the status become one character; names are cut.
    """
    head, *body = rows
    data = {name: [line[at] for line in body] for at, name in enumerate(head)}
    heads = {name: name for name in head}
    _cut_worst(data, heads, columns)
    for name in _ZEROS:
        if _wide(data, heads) > columns and set(data[name]) <= _EMPTY:
            del data[name]
    for name in ("declared", "trend", "level"):
        if _wide(data, heads) > columns and name in data:
            del data[name]
    if _wide(data, heads) > columns:
        heads |= _SHORT
        data["effective"] = [
            text.replace(" (overstated)", " !").replace(" (capped)", " ~") for text in data["effective"]
        ]
    if _wide(data, heads) > columns:
        longest = max(map(width, data["contract"]), default=0)
        room = max(_LEAST_NAME, longest - (_wide(data, heads) - columns))
        data["contract"] = [cut(name, room) for name in data["contract"]]
    names = tuple(data)
    return Fitted(names, [tuple(heads[name] for name in names), *zip(*data.values(), strict=True)])


def _cut_worst(data: dict[str, list[str]], heads: dict[str, str], columns: int) -> None:
    over = _wide(data, heads) - columns
    if over <= 0:
        return
    room = max(map(width, data["worst"]), default=0) - over
    if room < _LEAST_WORST:
        del data["worst"]
    else:
        data["worst"] = [cut(text, room) for text in data["worst"]]


def _wide(data: dict[str, list[str]], heads: dict[str, str]) -> int:
    widths = [max(map(width, (heads[name], *texts))) for name, texts in data.items()]
    return sum(widths) + _GAP * (len(widths) - 1)
