"""Many pairs at once: their mean score, and how many there was nothing to say of.

The mean is over the pairs that have a score. A corpus passes where it has one, no pair is incomparable, each score is at least
`individual_min` and their mean at least `aggregate_min`, both as typed, without rounding.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from apr.errors import AprError, UnusableInput
from apr.meter.compare import Settings, compare
from apr.meter.report import AGGREGATE_MIN, exactly
from apr.meter.workers import cores, each

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from apr.meter.pairs import Pair
    from apr.meter.report import Report

SCHEMA = "ccpa-corpus-v1"
_WORTH_A_PROCESS = 1 << 20  # bytes of traces


class Judged(NamedTuple):
    """A pair and what was found about it."""

    pair: Pair
    report: Report


@dataclass(frozen=True)
class CorpusReport:
    """What was found about all pairs.

    Attributes:
        judged: the pairs, by name.
        settings: how they were compared.
        aggregate_min: the mean from which on the corpus passes.
    """

    judged: tuple[Judged, ...]
    settings: Settings
    aggregate_min: float = AGGREGATE_MIN

    @property
    def scored(self) -> list[Judged]:
        """Pairs that have a score."""
        return [one for one in self.judged if one.report.share is not None]

    @property
    def failed(self) -> list[Judged]:
        """Pairs whose score is below `individual_min`."""
        return [one for one in self.scored if not one.report.passes]

    def number(self, verdict: str) -> int:
        """How many pairs have this verdict."""
        return sum(one.report.verdict == verdict for one in self.judged)

    @property
    def share(self) -> Fraction | None:
        """The mean without rounding; None where no pair has a score."""
        shares = [one.report.share for one in self.judged if one.report.share is not None]
        return sum(shares, Fraction()) / len(shares) if shares else None

    @property
    def mean(self) -> float | None:
        """Over the pairs that have a score; None where none has."""
        return float(self.share) if self.share is not None else None

    @property
    def passes(self) -> bool:
        """Whether the gate opens."""
        mean = self.share
        return (
            mean is not None
            and mean >= exactly(self.aggregate_min)
            and not self.failed
            and not self.number("incomparable")
        )

    @property
    def drifts(self) -> dict[str, int]:
        """Category -> how many drifts, the most first."""
        counts = Counter(drift.category.value for one in self.judged for drift in one.report.drifts)
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))

    @property
    def supports(self) -> str:
        """What the result is evidence of: no more than the weakest of the scored pairs."""
        kinds = {one.report.supports for one in self.scored}
        return "nothing" if not kinds else "parity" if kinds == {"parity"} else "no-false-alarm"

    @property
    def actions(self) -> dict[str, int]:
        """How much was scored: actions of both sides, and how many were paired."""
        return {
            "teacher": sum(one.report.teacher_actions for one in self.scored),
            "student": sum(one.report.student_actions for one in self.scored),
            "matched": sum(one.report.matched for one in self.scored),
        }

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        return {
            "schema": SCHEMA,
            "passes": self.passes,
            "mean": self.mean,
            "pairs": len(self.judged),
            "scored": len(self.scored),
            "vacuous": self.number("vacuous"),
            "incomparable": self.number("incomparable"),
            "failed": len(self.failed),
            "actions": self.actions,
            "supports": self.supports,
            "individual_min": self.settings.individual_min,
            "aggregate_min": self.aggregate_min,
            "results": self.settings.results,
            "drifts": self.drifts,
            "per_pair": [_pair_as_json(one) for one in self.judged],
        }


def judge_all(
    pairs: Sequence[Pair],
    settings: Settings,
    aggregate_min: float = AGGREGATE_MIN,
    *,
    jobs: int | None = None,
    rows: bool = False,
    done: Callable[[], object] = lambda: None,
) -> CorpusReport:
    """Compares every pair.

    Args:
        pairs: by name; at least one.
        settings: how to compare.
        aggregate_min: see `CorpusReport`.
        jobs: how many processes; None decides by the size of the traces.
        rows: whether the reports are to keep both sides beside each other.
        done: called after each pair.

    Raises:
        AprError: a trace is invalid or cannot be read; of several pairs the first by name.
        WorkerDied: a process ended before its work was done.
    """
    answers: dict[int, Report | _Refused] = {}
    for at, answer in each(partial(_judged, settings, rows), pairs, _processes(pairs) if jobs is None else jobs):
        answers[at] = answer
        done()
    judged = []
    for at, pair in enumerate(pairs):
        answer = answers[at]
        if isinstance(answer, _Refused):
            raise answer.error()
        judged.append(Judged(pair, answer))
    return CorpusReport(tuple(judged), settings, aggregate_min)


class _Refused(NamedTuple):
    """A pair that cannot be judged; exceptions with their keywords do not travel between processes."""

    problem: str
    where: str | None
    hint: str | None

    def error(self) -> UnusableInput:
        return UnusableInput(self.problem, where=self.where, hint=self.hint)


def _judged(settings: Settings, rows: bool, pair: Pair) -> Report | _Refused:
    try:
        report = compare(*pair.sides(), settings)
    except AprError as error:
        return _Refused(error.problem, error.where, error.hint)
    return report if rows else replace(report, rows=())


def _processes(pairs: Sequence[Pair]) -> int:
    """As many as there are processors, where reading takes longer than starting them."""
    size = 0
    for pair in pairs:
        size += pair.size()
        if size >= _WORTH_A_PROCESS:
            return cores()
    return 1


def _pair_as_json(one: Judged) -> dict[str, Any]:
    report = one.report
    return {
        "name": one.pair.name,
        "verdict": report.verdict,
        "reason": report.reason or None,
        "score": report.score,
        "matched": report.matched,
        "teacher_actions": report.teacher_actions,
        "student_actions": report.student_actions,
        "denominator": report.denominator,
        "exact": report.exact,
        "passes": report.passes,
        "supports": report.supports,
        "drifts": [drift.short for drift in report.drifts],
    }
