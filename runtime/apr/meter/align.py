"""Aligns two lists of actions by their keys, so that as many as possible are paired: a longest common subsequence.

Four ways to an exact answer are tried, each only where its cost is bounded; what is too long for all of them is paired as
well as a cost that grows with the length alone allows, and the answer says within which bounds the truth is.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apr.meter.lcs import anchors, bits, edits, matches

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

# differences between two lists up to which they are always aligned exactly: 4 million steps, a second or two
BOUND = 2048
_FEW = 64  # differences that are looked for first, as most lists have no more
_SMALL = 1 << 24  # product of the lengths up to which rows of bits are the quickest
_LARGE = 1 << 32  # and up to which they take seconds
_COMPARED = 24  # entries compared for each entry of the lists before they are said to repeat themselves
_MATCHES = 4  # matching places for each entry of the lists


@dataclass(frozen=True)
class Alignment:
    """Which positions are paired.

    Attributes:
        runs: (teacher's position, student's position, how many in a row), rising on both sides and apart from each other.
        upper: no alignment has more pairs.
    """

    runs: tuple[tuple[int, int, int], ...]
    upper: int

    @property
    def lower(self) -> int:
        """How many pairs there are."""
        return sum(length for _, _, length in self.runs)

    @property
    def exact(self) -> bool:
        """Whether no alignment has more pairs."""
        return self.lower == self.upper

    @property
    def pairs(self) -> Iterator[tuple[int, int]]:
        """Positions that are paired, rising on both sides."""
        for teacher, student, length in self.runs:
            for step in range(length):
                yield teacher + step, student + step

    def gaps(self, teacher: int, student: int) -> Iterator[tuple[int, int, int, int]]:
        """What is not paired, between two runs and at both ends: (from, to) of the teacher and (from, to) of the student.

        Args:
            teacher: how long the one list is.
            student: how long the other is.
        """
        x = y = 0
        for at, place, length in (*self.runs, (teacher, student, 0)):
            if at > x or place > y:
                yield x, at, y, place
            x, y = at + length, place + length


def align(teacher: Sequence[Hashable], student: Sequence[Hashable], bound: int = BOUND) -> Alignment:
    """Pairs as many equal keys as possible, in order.

    The answer is exact where the lists differ in at most `bound` entries, or their keys have at most 4 matching places for each
    entry (keys that mostly stand once), or the product of the lengths is at most 2**32, all of it counted without the common head
    and tail and without keys that the other side does not have. Beyond that the cost stays linear in the lengths and `lower` and
    `upper` are bounds. The whole costs at most bound**2 + 2**32 / 30 + 1000 * (len(teacher) + len(student)) small steps.

    Of several longest alignments this one is given, always the same: the common head is paired, then the common tail; of the rest,
    where the product of its lengths is at most 2**24, the earliest teacher's action that can be is paired, with the earliest
    student's that it can be paired with, and so on.
    """
    head, tail = _trimmed(teacher, student)
    runs = [(0, 0, head)] if head else []
    rows, columns = len(teacher) - head - tail, len(student) - head - tail
    upper = head + tail
    if rows and columns:
        numbers: dict[Hashable, int] = {}
        here = [numbers.setdefault(key, len(numbers)) for key in teacher[head : head + rows]]
        there = [numbers.setdefault(key, len(numbers)) for key in student[head : head + columns]]
        pairs, most = _middle(here, there, bound)
        runs += _runs(pairs, head)
        upper += most
    if tail:
        runs.append((head + rows, head + columns, tail))
    return Alignment(tuple(_joined(runs)), upper)


def _trimmed(teacher: Sequence[Hashable], student: Sequence[Hashable]) -> tuple[int, int]:
    """How long the common head is, and the common tail of what follows it."""
    if teacher == student:
        return len(teacher), 0
    shorter = min(len(teacher), len(student))
    head = next((at for at, (one, other) in enumerate(zip(teacher, student, strict=False)) if one != other), shorter)
    tail = 0
    while tail < shorter - head and teacher[-1 - tail] == student[-1 - tail]:
        tail += 1
    return head, tail


def _middle(teacher: list[int], student: list[int], bound: int) -> tuple[list[tuple[int, int]], int]:
    """Pairs, and how many there can be at most."""
    if len(teacher) * len(student) <= _SMALL:
        pairs = bits.common(teacher, student)
        return pairs, len(pairs)
    counts, others = Counter(teacher), Counter(student)
    rows = [at for at, key in enumerate(teacher) if key in others]
    columns = [at for at, key in enumerate(student) if key in counts]
    pairs, upper = _long([teacher[at] for at in rows], [student[at] for at in columns], bound)
    upper = min(upper, sum(min(count, others[key]) for key, count in counts.items()))
    return [(rows[at], columns[place]) for at, place in pairs], max(upper, len(pairs))


def _long(teacher: list[int], student: list[int], bound: int) -> tuple[list[tuple[int, int]], int]:
    """Of lists that hold no key that the other lacks; the cheapest way that answers."""
    length = len(teacher) + len(student)
    few = edits.common(teacher, student, min(_FEW, bound), _COMPARED * length)
    if few.pairs is not None:
        return few.pairs, len(few.pairs)
    if matches.number_of_matches(teacher, student) <= _MATCHES * length:
        pairs = matches.common(teacher, student)
        return pairs, len(pairs)
    if len(teacher) * len(student) <= _LARGE:
        pairs = bits.common(teacher, student)
        return pairs, len(pairs)
    more = edits.common(teacher, student, bound, _COMPARED * length)
    if more.pairs is not None:
        return more.pairs, len(more.pairs)
    return anchors.common(teacher, student), (length - more.differences) // 2


def _runs(pairs: list[tuple[int, int]], shift: int) -> list[tuple[int, int, int]]:
    return [(at + shift, place + shift, 1) for at, place in pairs]


def _joined(runs: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, int]]:
    """The same with neighbours made one."""
    start = None
    for run in runs:
        if start is not None and (start[0] + start[2], start[1] + start[2]) == run[:2]:
            start = (start[0], start[1], start[2] + run[2])
        else:
            if start is not None:
                yield start
            start = run
    if start is not None:
        yield start
