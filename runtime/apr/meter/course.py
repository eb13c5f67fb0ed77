"""The course of a session: why each turn of the model ended, and why the session did."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from apr.meter.drift import Category, Drift

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from apr.actions.trace import Entry


class Stop(NamedTuple):
    """Where something ended, and why.

    Attributes:
        reason: `end_turn`, `tool_use`, ….
        line: of its record.
    """

    reason: str
    line: int


class Course(NamedTuple):
    """Why everything ended.

    Attributes:
        turns: of the model, in order.
        session: the session itself; None where the trace has no end.
    """

    turns: tuple[Stop, ...]
    session: Stop | None

    @property
    def reasons(self) -> tuple[str | None, ...]:
        """What is compared: the turns' reasons, then the session's."""
        return (*(stop.reason for stop in self.turns), self.session.reason if self.session is not None else None)


def course_of(entries: Iterable[Entry]) -> Course:
    """Reads the course of a trace out of its records."""
    turns, session = [], None
    for line, record in entries:
        if record["kind"] == "assistant_turn":
            turns.append(Stop(record["stop_reason"], line))
        elif record["kind"] == "session_end":
            session = Stop(record["stop_reason"], line)
    return Course(tuple(turns), session)


def course_drifts(teacher: Course, student: Course) -> list[Drift]:
    """Where two courses depart from each other; nothing exactly where their reasons are the same.

    The common head and then the common tail of the turns are taken away. What is left is held against each other one by one; turns
    that the student has more of are `extraneous_llm_call`, all else is `mismatched_stop_reason`. The session's own end is told where
    no turn tells it, or where one of both broke off with an error.
    """
    found = list(_turns(teacher.turns, student.turns))
    one, other = teacher.session, student.session
    reasons = [stop.reason if stop is not None else None for stop in (one, other)]
    if reasons[0] != reasons[1] and ("error" in reasons or not found):
        found.append(
            Drift(
                Category.MISMATCHED_STOP_REASON,
                len(teacher.turns),
                len(student.turns),
                "session_end",
                f"the session: {reasons[0]} | {reasons[1]}",
                (one.line if one is not None else None, other.line if other is not None else None),
            )
        )
    return found


def _turns(teacher: tuple[Stop, ...], student: tuple[Stop, ...]) -> Iterator[Drift]:
    shorter = min(len(teacher), len(student))
    head = 0
    while head < shorter and teacher[head].reason == student[head].reason:
        head += 1
    tail = 0
    while tail < shorter - head and teacher[-1 - tail].reason == student[-1 - tail].reason:
        tail += 1
    ends = len(teacher) - tail, len(student) - tail
    for at in range(head, max(ends)):
        one = teacher[at] if at < ends[0] else None
        other = student[at] if at < ends[1] else None
        if one is not None and other is not None:
            if one.reason != other.reason:
                detail = f"turn {at + 1}: {one.reason} | {other.reason}"
                yield Drift(Category.MISMATCHED_STOP_REASON, at, at, one.reason, detail, (one.line, other.line))
        elif one is not None:
            detail = f"turn {at + 1}: {one.reason} | no such turn"
            yield Drift(Category.MISMATCHED_STOP_REASON, at, None, one.reason, detail, (one.line, None))
        elif other is not None:
            detail = f"turn {at + 1}: {other.reason}, which the teacher had no need of"
            yield Drift(Category.EXTRANEOUS_LLM_CALL, None, at, other.reason, detail, (None, other.line))
