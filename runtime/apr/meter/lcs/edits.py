"""A longest common subsequence where little differs: exact; the cost is the square of the number of differences.

E. Myers, "An O(ND) difference algorithm and its variations", 1986, in the band of diagonals that so many differences can reach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# followed one by one before lists are compared piece by piece
_ONE_BY_ONE = 16


class Edits(NamedTuple):
    """What came of it.

    Attributes:
        pairs: of positions, rising on both sides; None where more differs than was allowed.
        differences: how many there are at least, and exactly so many where there are pairs.
    """

    pairs: list[tuple[int, int]] | None
    differences: int


def common(teacher: Sequence[int], student: Sequence[int], most: int, patience: int) -> Edits:
    """A longest common subsequence, if no more than `most` entries of both lists together are left out of it.

    Args:
        teacher: the one list.
        student: the other.
        most: differences to allow; memory grows with its square.
        patience: entries to compare before giving up, for lists that repeat themselves.
    """
    rows, columns = len(teacher), len(student)
    reach = [0] * (2 * most + 3)  # diagonal (teacher's place - student's) + most + 1 -> how far along the teacher
    rounds: list[tuple[int, list[int]]] = []
    for differences in range(most + 1):
        low = -differences + 2 * max(0, differences - columns)
        high = differences - 2 * max(0, differences - rows)
        for diagonal in range(low, high + 1, 2):
            index = diagonal + most + 1
            if differences == 0:
                x = 0
            elif diagonal == -differences or (diagonal != differences and reach[index - 1] < reach[index + 1]):
                x = reach[index + 1]
            else:
                x = reach[index - 1] + 1
            y = x - diagonal
            if x < rows and y < columns and teacher[x] == student[y]:
                end = _follow(teacher, student, x, y)
                patience -= end - x
                x = end
            reach[index] = x
            if x >= rows and x - diagonal >= columns:
                return Edits(_back(teacher, student, rounds, differences), differences)
        if patience < 0:
            return Edits(None, differences + 1)
        rounds.append((low + most + 1, reach[low + most + 1 : high + most + 2]))
    return Edits(None, most + 1)


def _follow(teacher: Sequence[int], student: Sequence[int], x: int, y: int) -> int:
    """How far the teacher can be followed from here while both say the same."""
    end = min(len(teacher), x + len(student) - y)
    shift, near = y - x, min(end, x + _ONE_BY_ONE)
    while x < near and teacher[x] == student[x + shift]:
        x += 1
    if x < near or x == end:
        return x
    step = _ONE_BY_ONE
    while x < end and teacher[x : x + step] == student[x + shift : min(x + step, end) + shift] and x + step <= end:
        x, step = x + step, 2 * step
    while step > _ONE_BY_ONE:  # the first difference is within the last step
        step //= 2
        if x + step <= end and teacher[x : x + step] == student[x + shift : x + step + shift]:
            x += step
    while x < end and teacher[x] == student[x + shift]:
        x += 1
    return x


def _back(
    teacher: Sequence[int], student: Sequence[int], rounds: list[tuple[int, list[int]]], differences: int
) -> list[tuple[int, int]]:
    """The pairs on the way that reached the end, found from the end."""
    found: list[tuple[int, int]] = []
    x, y = len(teacher), len(student)
    middle = rounds[0][0] if rounds else 0  # of diagonal 0
    for round_ in range(differences, 0, -1):
        first, reach = rounds[round_ - 1]
        diagonal = x - y
        index = diagonal + middle - first
        left = reach[index - 1] if 0 <= index - 1 < len(reach) else -1
        right = reach[index + 1] if 0 <= index + 1 < len(reach) else -1
        down = diagonal == -round_ or (diagonal != round_ and left < right)
        before = right if down else left
        start = before if down else before + 1
        found += [(at, at - diagonal) for at in range(x - 1, start - 1, -1)]
        x, y = before, before - (diagonal + 1 if down else diagonal - 1)
    found += [(at, at) for at in range(x - 1, -1, -1)]
    found.reverse()
    return found
