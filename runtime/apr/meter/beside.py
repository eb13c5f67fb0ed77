"""Two traces beside each other: every drift in the actions, and one action on either side of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.meter.drift import Category
from apr.meter.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from apr.meter.actions import Action
    from apr.meter.align import Alignment
    from apr.meter.drift import Drift

MOST = 400  # rows; who wants all drifts of a long trace takes them from the JSON
_ELSEWHERE = frozenset({Category.TURN_ORDER_SKEW})


def rows_of(
    teacher: Sequence[Action], student: Sequence[Action], alignment: Alignment, drifts: Sequence[Drift]
) -> tuple[tuple[Row, ...], int]:
    """Rows for people, and how many more there would be.

    Args:
        teacher: what the one side did.
        student: what the other did.
        alignment: of them.
        drifts: in the actions, in the report's order.
    """
    here = {drift.teacher: index for index, drift in enumerate(drifts) if drift.teacher is not None}
    there = {drift.student: index for index, drift in enumerate(drifts) if drift.student is not None}
    found: list[Row] = []
    number = 0
    shown_to = 0  # of the teacher's actions; what is paired is shown once, between two gaps that are near
    for top, bottom, left, right in alignment.gaps(len(teacher), len(student)):
        for row in _gap(teacher, student, (top, bottom, left, right), here, there, drifts, shown_to):
            number += 1
            if number <= MOST:
                found.append(row)
        shown_to = bottom + 1
    return tuple(found), max(0, number - MOST)


def _gap(
    teacher: Sequence[Action],
    student: Sequence[Action],
    gap: tuple[int, int, int, int],
    here: dict[int, int],
    there: dict[int, int],
    drifts: Sequence[Drift],
    shown_to: int,
) -> Iterator[Row]:
    top, bottom, left, right = gap
    if top > shown_to:
        yield _same(teacher[top - 1], student[left - 1])
    told: set[int] = set()
    for at in range(top, bottom):
        index = here[at]
        drift = drifts[index]
        place = drift.student
        if place is not None and left <= place < right and drift.category not in _ELSEWHERE:
            told.add(place)
            yield Row("~", teacher[at].detail, student[place].detail, (teacher[at].line, student[place].line), index)
        else:
            mark = ">" if drift.category in _ELSEWHERE else "-"
            yield Row(mark, teacher[at].detail, None, (teacher[at].line, None), index)
    for place in range(left, right):
        if place not in told:
            index = there[place]
            mark = ">" if drifts[index].category in _ELSEWHERE else "+"
            yield Row(mark, None, student[place].detail, (None, student[place].line), index)
    if bottom < len(teacher) and right < len(student):
        yield _same(teacher[bottom], student[right])


def _same(one: Action, other: Action) -> Row:
    return Row(" ", one.detail, other.detail, (one.line, other.line))
