"""A longest common subsequence by the places where both lists hold the same: exact; the cost is their number times its logarithm.

J. Hunt, T. Szymanski, "A fast algorithm for computing longest common subsequences", 1977. Where each key stands once on each
side, that is the longest rising run, however far apart things were moved.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

# a pair, and the one before it
_Chain: TypeAlias = "tuple[int, int, _Chain | None]"


def number_of_matches(teacher: Sequence[int], student: Sequence[int]) -> int:
    """How many pairs of positions hold the same key."""
    there = Counter(student)
    return sum(count * there[key] for key, count in Counter(teacher).items())


def common(teacher: Sequence[int], student: Sequence[int]) -> list[tuple[int, int]]:
    """A longest common subsequence: pairs of positions, rising on both sides."""
    places: dict[int, list[int]] = {}
    for place in range(len(student) - 1, -1, -1):  # from the right, so that a row never follows itself
        places.setdefault(student[place], []).append(place)
    ends: list[int] = []
    chains: list[_Chain] = []
    for at, key in enumerate(teacher):
        for place in places.get(key, ()):
            length = bisect_left(ends, place)
            chain = (at, place, chains[length - 1] if length else None)
            if length == len(ends):
                ends.append(place)
                chains.append(chain)
            elif place < ends[length]:
                ends[length] = place
                chains[length] = chain
    found: list[tuple[int, int]] = []
    last = chains[-1] if chains else None
    while last is not None:
        found.append(last[:2])
        last = last[2]
    found.reverse()
    return found
