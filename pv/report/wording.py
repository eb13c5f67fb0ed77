"""How places, figures and cells of tables are worded, the same in every report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.report.console import escape

if TYPE_CHECKING:
    from collections.abc import Mapping


def place(where: Mapping[str, object]) -> str:
    """A place in a model, from the coarse to the fine."""
    order = ("stage", "layer", "position", "channel")
    names = sorted(where, key=lambda name: (order.index(name) if name in order else len(order), name))
    return ", ".join(f"{name} {where[name]}" for name in names)


def figure(value: object) -> str:
    """A number as reports show it."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def shown(value: object) -> str:
    """What a falsifier gave for the report, in words."""
    if isinstance(value, dict):
        return ", ".join(f"{str(name).replace('_', ' ')} {shown(entry)}" for name, entry in value.items())
    if isinstance(value, list):
        return ", ".join(map(shown, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def counted(number: int, name: str) -> str:
    """A number of things: `1 claim`, `2 claims`."""
    return f"{number} {name}{'' if number == 1 else 's'}"


def markdown_cell(text: str) -> str:
    """Text that cannot break out of a cell of a Markdown table, nor become HTML."""
    return escape(text).replace("|", "\\|").replace("<", "&lt;")
