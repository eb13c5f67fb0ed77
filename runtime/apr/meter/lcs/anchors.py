"""A common subsequence of lists too long for an exact answer: what stands once on each side is paired, the rest piece by piece.

The cost is the lists' length times a constant. What is found is common to both, but there may be longer ones.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from apr.meter.lcs import bits, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# bits by which a row is longer than what stands on both sides by chance
_SURE = 10
# entries of a piece on either side: 4096 rows of 4096 bits take a few milliseconds
_PIECE = 4096
_MODULUS = (1 << 61) - 1
_BASE = 1_000_003

# top, bottom, left, right: teacher[top:bottom] against student[left:right]
_Box = tuple[int, int, int, int]


def common(teacher: Sequence[int], student: Sequence[int]) -> list[tuple[int, int]]:
    """A common subsequence: pairs of positions, rising on both sides."""
    found: list[tuple[int, int]] = []
    whole = (0, len(teacher), 0, len(student))
    for box in list(_divide(teacher, student, whole, _width(teacher, student), found)):
        for top, bottom, left, right in _pieces(box):
            found += [(top + i, left + j) for i, j in bits.common(teacher[top:bottom], student[left:right])]
    found.sort()
    return found


def _width(teacher: Sequence[int], student: Sequence[int]) -> int:
    """How many entries in a row make an anchor: so many that one in two lists of such keys, thrown at random, is rare."""
    counts, length = Counter(teacher), len(teacher)
    bits_an_entry = -sum(count / length * math.log2(count / length) for count in counts.values())
    wanted = math.log2(length) + math.log2(len(student)) + _SURE
    return min(max(1, math.ceil(wanted / max(bits_an_entry, 1e-3))), _PIECE)


def _divide(
    teacher: Sequence[int], student: Sequence[int], box: _Box, width: int, found: list[tuple[int, int]]
) -> Iterator[_Box]:
    """Pairs the anchors of a box, adding them to `found`, and gives what is left between them."""
    top, bottom, left, right = box
    if bottom == top or right == left:
        return
    here = _once(teacher, top, bottom, width)
    there = _once(student, left, right, width)
    shared = sorted((at, there[mark]) for mark, at in here.items() if mark in there)
    chosen = matches.common(*_as_ranks(shared)) if shared else []
    x, y = top, left
    for index, _ in chosen:
        at, place = shared[index]
        if at < x or place < y:
            continue  # within the anchor before it
        while at > x and place > y and teacher[at - 1] == student[place - 1]:
            at, place = at - 1, place - 1
        if at > x and place > y:
            yield x, at, y, place
        while at < bottom and place < right and teacher[at] == student[place]:
            found.append((at, place))
            at, place = at + 1, place + 1
        x, y = at, place
    if x < bottom and y < right:
        yield x, bottom, y, right


def _once(keys: Sequence[int], start: int, end: int, width: int) -> dict[int, int]:
    """Marks of the rows of `width` entries that stand once between two places, and where."""
    places: dict[int, int] = {}
    often: set[int] = set()
    top = pow(_BASE, width, _MODULUS)
    mark = 0
    for at in range(start, end):
        mark = mark * _BASE + keys[at] + 1
        if at - start >= width:
            mark -= (keys[at - width] + 1) * top
        mark %= _MODULUS
        if at - start >= width - 1:
            if mark in places:
                often.add(mark)
            else:
                places[mark] = at - width + 1
    for mark in often:
        del places[mark]
    return places


def _as_ranks(shared: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    """Anchors in the teacher's order and in the student's, as two orders of the same numbers."""
    order = sorted(range(len(shared)), key=lambda index: shared[index][1])
    return list(range(len(shared))), order


def _pieces(box: _Box) -> Iterator[_Box]:
    """A box cut along its diagonal."""
    top, bottom, left, right = box
    rows, columns = bottom - top, right - left
    number = -(-max(rows, columns) // _PIECE)
    for piece in range(number):
        yield (
            top + rows * piece // number,
            top + rows * (piece + 1) // number,
            left + columns * piece // number,
            left + columns * (piece + 1) // number,
        )
