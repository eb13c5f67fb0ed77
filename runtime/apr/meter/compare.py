"""Holds a student's trace against its teacher's.

The score is M / (N + c + f): M actions are paired by a longest common subsequence, N is the number of actions of the longer side, c is 1
where the course differs, f is 1 where the files that were left are known on both sides and differ. So all that a student did too much,
too little, otherwise or in another order costs; there is no drift exactly where the score is 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from apr.actions.tree import tree_sha256
from apr.console import escape
from apr.meter.actions import actions_of
from apr.meter.align import BOUND, align
from apr.meter.beside import rows_of
from apr.meter.course import Course, course_drifts, course_of
from apr.meter.departures import drifts_of
from apr.meter.drift import Category, Drift
from apr.meter.files import State, final_state, mutation_drifts
from apr.meter.report import INDIVIDUAL_MIN, Producer, Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.meter.actions import Action
    from apr.meter.equality.result import Results
    from apr.meter.sides import Side


@dataclass(frozen=True)
class Settings:
    """How to compare.

    Attributes:
        results: what counts of a tool's result: all of it, whether it was a success, or nothing.
        individual_min: the score from which on a pair passes.
        bound: how many differences are aligned exactly in traces of any length, see `apr.meter.align`.
    """

    results: Results = "content"
    individual_min: float = INDIVIDUAL_MIN
    bound: int = BOUND


class Seen(NamedTuple):
    """What is compared of one side.

    Attributes:
        actions: in the order of the file.
        course: why turns and session ended.
        state: of the files that were left.
    """

    actions: Sequence[Action]
    course: Course
    state: State


def compare(teacher: Side, student: Side, settings: Settings | None = None) -> Report:
    """Holds two sides against each other.

    Args:
        teacher: a valid trace; `apr.meter.sides.load_side` reads it.
        student: the same for the other side.
        settings: how; the default settings where there are none.

    Returns:
        The report; its verdict is `incomparable` where prompts or starting trees differ.

    Raises:
        UnusableInput: a tree cannot be read.
    """
    chosen = settings or Settings()
    reason = incomparable(teacher, student)
    if reason:
        least, results = chosen.individual_min, chosen.results
        return Report(teacher.producer, student.producer, reason, individual_min=least, results=results)
    return judge(seen(teacher, chosen), seen(student, chosen), teacher.producer, student.producer, chosen)


def incomparable(teacher: Side, student: Side) -> str:
    """Why two traces are not of the same task; nothing where they are."""
    one, other = teacher.prompts, student.prompts
    if len(one) != len(other):
        return f"the teacher was given {len(one)} prompts and the student {len(other)}"
    for number, (asked, heard) in enumerate(zip(one, other, strict=True), 1):
        if asked != heard:
            return f"prompt {number} differs: {_short(asked)} | {_short(heard)}"
    if teacher.cwd_sha256 != student.cwd_sha256:
        return (
            f"the trees that they say they started from differ: {teacher.cwd_sha256[:12]}… | {student.cwd_sha256[:12]}…"
        )
    for name, side in (("teacher", teacher), ("student", student)):
        if side.before is not None and tree_sha256(side.before) != side.cwd_sha256:
            return (
                f"the {name} says it started from tree {side.cwd_sha256[:12]}…, and the tree before is "
                f"{tree_sha256(side.before)[:12]}…"
            )
    return ""


def seen(side: Side, settings: Settings) -> Seen:
    """What one side did.

    Raises:
        UnusableInput: a tree cannot be read.
    """
    actions = actions_of(side.entries, side.cwd, side.before, settings.results)
    state = final_state(side.entries, side.cwd, side.before, side.after)
    return Seen(actions, course_of(side.entries), state)


def judge(
    teacher: Seen, student: Seen, teacher_producer: Producer, student_producer: Producer, settings: Settings
) -> Report:
    """The report about two sides that can be compared."""
    alignment = align([one.key for one in teacher.actions], [one.key for one in student.actions], settings.bound)
    drifts = drifts_of(teacher.actions, student.actions, alignment)
    rows, left_out = rows_of(teacher.actions, student.actions, alignment, drifts)
    course = course_drifts(teacher.course, student.course)
    files = _file_drifts(teacher.state, student.state)
    sides = (("teacher", teacher), ("student", student))
    unknown = [f"{name}: {side.state.reason}" for name, side in sides if side.state.files is None]
    return Report(
        teacher_producer,
        student_producer,
        matched=alignment.lower,
        teacher_actions=len(teacher.actions),
        student_actions=len(student.actions),
        course=int(bool(course)),
        files=int(bool(files)),
        upper=alignment.upper,
        drifts=(*drifts, *course, *files),
        individual_min=settings.individual_min,
        results=settings.results,
        files_unknown="; ".join(unknown),
        rows=rows,
        rows_left_out=left_out,
    )


def _file_drifts(teacher: State, student: State) -> list[Drift]:
    return [
        Drift(Category.MISMATCHED_FILE_STATE, None, None, path, f"{_told(teacher, path)} | {_told(student, path)}")
        for path in mutation_drifts(teacher, student)
    ]


def _told(state: State, path: str) -> str:
    leaf = (state.files or {}).get(path)
    if leaf is None:
        return "not there"
    if leaf.link is not None:
        return f"a link to {leaf.link}"
    return f"{leaf.sha256[:12]}{' executable' if leaf.executable else ''}"


def _short(text: str) -> str:
    line = escape(text)
    return f"{line[:60]}…" if len(line) > 60 else line  # a line of a terminal
