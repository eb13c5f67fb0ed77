"""A longest common subsequence by rows of bits: exact, whatever the lists hold; the cost is the product of their lengths over 30.

A row of the usual table rises by 0 or 1 from one column to the next, so a bit a column says all of it, and one row follows from
the next by an addition of whole numbers (H. Hyyrö, "Bit-parallel LCS-length computation revisited", 2004). Where all rows are too
much to keep, the lists are halved (D. Hirschberg, 1975), which doubles the time.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# bits of rows that are kept at once: 32 MiB
KEPT = 1 << 28


def common(teacher: Sequence[int], student: Sequence[int], kept: int = KEPT) -> list[tuple[int, int]]:
    """A longest common subsequence.

    Args:
        teacher: the rows.
        student: the columns.
        kept: how many bits may be kept at once.

    Returns:
        Pairs of positions, rising on both sides. Where the rows can be kept, the first of all longest ones: the earliest
        teacher's position that can be paired is, with the earliest student's that it can be paired with.
    """
    found: list[tuple[int, int]] = []
    waiting = [(0, len(teacher), 0, len(student))]
    while waiting:
        top, bottom, left, right = waiting.pop()
        rows, columns = bottom - top, right - left
        if not rows or not columns:
            continue
        if rows * columns <= kept or rows == 1:
            found += [(top + i, left + j) for i, j in _first(teacher[top:bottom], student[left:right])]
            continue
        middle = (top + bottom) // 2
        split = left + _split(teacher[top:middle], teacher[middle:bottom], student[left:right])
        waiting += [(middle, bottom, split, right), (top, middle, left, split)]
    return found


def _first(teacher: Sequence[int], student: Sequence[int]) -> list[tuple[int, int]]:
    width = len(student)
    rows = _rows(teacher, student)
    places: dict[int, list[int]] = {}
    for place, key in enumerate(student):
        places.setdefault(key, []).append(place)
    left = width - rows[0].bit_count()  # how many are still to be paired
    start, found = 0, []
    for at, key in enumerate(teacher):
        if not left:
            break
        here = places.get(key)
        if here is None:
            continue
        index = bisect_left(here, start)
        if index == len(here):
            continue
        behind = width - here[index] - 1
        if behind - (rows[at + 1] & ((1 << behind) - 1)).bit_count() == left - 1:
            found.append((at, here[index]))
            start, left = here[index] + 1, left - 1
    return found


def _rows(teacher: Sequence[int], student: Sequence[int]) -> list[int]:
    """Rows from the end: of row i the lowest m-j bits have as many zeros as teacher[i:] and student[j:] have in common."""
    masks: dict[int, int] = {}
    for place, key in enumerate(reversed(student)):
        masks[key] = masks.get(key, 0) | 1 << place
    full = (1 << len(student)) - 1
    row, rows = full, [full]
    for key in reversed(teacher):
        mask = masks.get(key)
        if mask is not None:
            same = row & mask
            row = ((row + same) | (row - same)) & full
        rows.append(row)
    rows.reverse()
    return rows


def _split(above: Sequence[int], below: Sequence[int], student: Sequence[int]) -> int:
    """The first column at which a best way crosses from the upper half of the rows to the lower one."""
    ends = _counts(below[::-1], student[::-1])
    ends.reverse()
    best, column = -1, 0
    for place, (one, other) in enumerate(zip(_counts(above, student), ends, strict=True)):
        if one + other > best:
            best, column = one + other, place
    return column


def _counts(teacher: Sequence[int], student: Sequence[int]) -> list[int]:
    """How many all of `teacher` and each beginning of `student` have in common, from the empty one on."""
    masks: dict[int, int] = {}
    for place, key in enumerate(student):
        masks[key] = masks.get(key, 0) | 1 << place
    full = (1 << len(student)) - 1
    row = full
    for key in teacher:
        mask = masks.get(key)
        if mask is not None:
            same = row & mask
            row = ((row + same) | (row - same)) & full
    counts, total = [0], 0
    for bit in reversed(f"{row:0{len(student)}b}" if student else ""):
        total += bit == "0"
        counts.append(total)
    return counts
