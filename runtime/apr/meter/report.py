"""What a comparison of two traces says: a score with its denominators, every drift, and what it may be used for."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from apr.meter.drift import Drift

SCHEMA = "ccpa-diff-v1"
# of the upstream's contract; both inclusive
INDIVIDUAL_MIN, AGGREGATE_MIN = 0.80, 0.95
_RECORDED = "recorded:"  # as `apr code --answers-from` names its model


class Producer(NamedTuple):
    """Who made a trace.

    Attributes:
        actor, model, session_id: as its first record says.
        source: `authored`, `run`, or None where nobody says.
    """

    actor: str
    model: str
    session_id: str
    source: str | None = None

    def same(self, other: Producer) -> bool:
        """Whether both traces come from one producer, so that their agreement proves nothing about two."""
        return (
            self.actor == other.actor
            or self.session_id == other.session_id
            or self.source == other.source == "authored"
            # answers given out of a recording are those of whoever made it
            or self.model == _RECORDED + other.model
            or other.model == _RECORDED + self.model
        )


class Row(NamedTuple):
    """One line of the two sides beside each other.

    Attributes:
        mark: ` ` the same, `~` another, `-` only the teacher's, `+` only the student's, `>` at another place.
        teacher, student: what the side did, in a few words; None where it did nothing here.
        lines: of the teacher's and the student's file.
        drift: which of the report's drifts this is, from 0; None where both are the same.
    """

    mark: str
    teacher: str | None
    student: str | None
    lines: tuple[int | None, int | None]
    drift: int | None = None


@dataclass(frozen=True)
class Report:
    """One comparison.

    Attributes:
        teacher, student: who made the traces.
        reason: why they cannot be compared; nothing where they can.
        matched: actions that are paired.
        teacher_actions, student_actions: how many there are.
        course, files: penalties, 0 or 1: the course differs; files are known on both sides and differ.
        upper: no alignment pairs more actions; more than `matched` only where the traces are too long for an exact answer.
        drifts: every departure, in the teacher's order.
        individual_min: the score from which on the pair passes.
        results: what of a tool's result counted, see `apr.meter.compare.Settings`.
        files_unknown: why the files that were left are not compared; nothing where they are.
        rows: the drifts among what is around them, for people; not more than a screen or two.
        rows_left_out: how many more there would be.
    """

    teacher: Producer
    student: Producer
    reason: str = ""
    matched: int = 0
    teacher_actions: int = 0
    student_actions: int = 0
    course: int = 0
    files: int = 0
    upper: int = 0
    drifts: tuple[Drift, ...] = ()
    individual_min: float = INDIVIDUAL_MIN
    results: str = "content"
    files_unknown: str = ""
    rows: tuple[Row, ...] = field(default=(), repr=False)
    rows_left_out: int = 0

    @property
    def verdict(self) -> str:
        """`agrees`, `drifts`, `vacuous` (no side has an action) or `incomparable`."""
        if self.reason:
            return "incomparable"
        if not self.teacher_actions and not self.student_actions:
            return "vacuous"
        return "drifts" if self.drifts else "agrees"

    @property
    def denominator(self) -> int:
        """The longer side's actions and the penalties; 0 where there is no score."""
        if self.verdict in {"incomparable", "vacuous"}:
            return 0
        return max(self.teacher_actions, self.student_actions) + self.course + self.files

    @property
    def share(self) -> Fraction | None:
        """The score without rounding; None where there is none."""
        return Fraction(self.matched, self.denominator) if self.denominator else None

    @property
    def score(self) -> float | None:
        """From 0 to 1, and 1 exactly where there is no drift; None for `vacuous` and `incomparable`."""
        return float(self.share) if self.share is not None else None

    @property
    def exact(self) -> bool:
        """Whether the score is the true one; else it is its lower bound."""
        return self.matched == self.upper

    @property
    def passes(self) -> bool:
        """Whether there is a score and it is not below `individual_min`."""
        return self.share is not None and self.share >= exactly(self.individual_min)

    @property
    def same_producer(self) -> bool:
        """Whether both traces come from one producer."""
        return self.teacher.same(self.student)

    @property
    def supports(self) -> str:
        """What the result is evidence of: `parity`, `no-false-alarm` (of the meter) or `nothing`."""
        if self.share is None:
            return "nothing"
        return "no-false-alarm" if self.same_producer else "parity"

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "reason": self.reason or None,
            "score": self.score,
            "matched": self.matched,
            "teacher_actions": self.teacher_actions,
            "student_actions": self.student_actions,
            "denominator": self.denominator,
            "penalties": {"course": self.course, "files": self.files},
            "files_unknown": self.files_unknown or None,
            "exact": self.exact,
            "bounds": self._bounds(),
            "drifts": [drift.as_json() for drift in self.drifts],
            "passes": self.passes,
            "individual_min": self.individual_min,
            "results": self.results,
            "provenance": {
                "teacher": self.teacher._asdict(),
                "student": self.student._asdict(),
                "same_producer": self.same_producer,
            },
            "supports": self.supports,
        }

    def _bounds(self) -> list[float] | None:
        """The lowest and the highest that the score can be."""
        if self.score is None:
            return None
        return [self.score, float(Fraction(self.upper, self.denominator))]


def exactly(bound: float) -> Fraction:
    """A bound as it was typed: 0.95 is 19/20, and a mean of exactly that is not below it."""
    return Fraction(repr(bound))
