"""How the items of a session are cut into groups: what one worker is handed at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROUNDS = 8  # groups that each worker gets if all take equally long: few enough to share fixtures, enough to even out
_LONGEST = 30.0  # seconds; what is lost when a worker dies


def cut(homes: Sequence[str], seconds: Sequence[float | None], slots: int) -> list[tuple[int, ...]]:
    """The items of each group, as places in the order of the session; a group never leaves its contract.

    Args:
        homes: the file of each item.
        seconds: how long each took last time; None where that is not known, which counts as the median of what is.
        slots: how many groups can be run at a time.
    """
    known = sorted(took for took in seconds if took is not None)
    usual = known[(len(known) - 1) // 2] if known else 1.0
    weights = [usual if took is None else took for took in seconds]
    size = sum(weights) / (max(slots, 1) * _ROUNDS)
    limit = min(size, _LONGEST) if known else size
    groups: list[tuple[int, ...]] = []
    current: list[int] = []
    load = 0.0
    for place, (home, weight) in enumerate(zip(homes, weights, strict=True)):
        if current and (home != homes[current[-1]] or load + weight > limit):
            groups.append(tuple(current))
            current, load = [], 0.0
        current.append(place)
        load += weight
    return [*groups, tuple(current)] if current else groups
