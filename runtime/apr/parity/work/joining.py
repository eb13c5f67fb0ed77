"""Findings put together in the order of their units, whatever the order in which they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from apr.parity.work.unit import Done, Findings, Unit
    from apr.stages import StageKey


def in_order(done: Iterable[Done], units: Sequence[Unit], advance: Callable[[StageKey], None]) -> list[Findings]:
    """The findings of all units, each once, in the order of the units.

    Args:
        done: what an executor gives, in any order.
        units: that were asked for.
        advance: called with the key of each stage that was measured, as it comes, for progress.

    Raises:
        ValueError: a unit that was not asked for, one that comes twice or never, or findings of another unit.
    """
    awaited = {unit.index: unit for unit in units}
    found: dict[int, Findings] = {}
    for unit, findings in done:
        if awaited.pop(unit.index, None) != unit:
            raise ValueError(f"unit {unit.index}, {unit.key}, was not asked for, or was measured before")
        if (findings.index, findings.key) != (unit.index, unit.key):
            raise ValueError(f"unit {unit.index}, {unit.key}, came back as {findings.index}, {findings.key}")
        found[unit.index] = findings
        advance(unit.key)
    if awaited:
        lost = next(iter(awaited.values()))
        raise ValueError(f"{len(awaited)} units were never measured, first {lost.key}")
    return [found[unit.index] for unit in units]
