"""Coverage by behaviour: which capabilities a folder of pairs can tell the loss of.

A row is covered when, for each of its features, some pair that declares the row scores lower once the feature is taken out of its
student's trace (`apr.meter.ablation`). What a pair declares and would not notice is a finding of its own. Pairs without a score
cover nothing. The upstream counts declarations: whether a fixture holds such an action, and whether its score depends on it,
nobody looks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from apr.meter.ablation import ablate
from apr.meter.compare import compare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from apr.meter.compare import Settings
    from apr.meter.pairs import Pair
    from apr.meter.rows import Feature, Row

SCHEMA = "ccpa-coverage-v1"


@dataclass(frozen=True)
class Trial:
    """One feature taken out of one pair's student.

    Attributes:
        pair: its name.
        row: the id of the row that it declares.
        feature: what was taken out.
        before, after: the scores; None where there is none, `after` also where there was nothing to take out.
        outcome: `noticed`, `unnoticed` (the score is not lower), `absent` (the trace has nothing of the kind), `unscored` (the pair is
            vacuous or incomparable).
    """

    pair: str
    row: str
    feature: Feature
    before: float | None
    after: float | None
    outcome: str

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        return {"pair": self.pair, "outcome": self.outcome, "before": self.before, "after": self.after}


@dataclass(frozen=True)
class Covered:
    """What was found out about one row.

    Attributes:
        row: the row.
        trials: of all pairs that declare it.
    """

    row: Row
    trials: tuple[Trial, ...]

    def noticed(self, feature: Feature) -> list[Trial]:
        """The trials in which the loss of a feature was noticed."""
        return [trial for trial in self.trials if trial.feature == feature and trial.outcome == "noticed"]

    @property
    def state(self) -> str:
        """`covered`, `uncovered`, `out of scope`, or `missing`: the agent does not have it."""
        if self.row.out_of_scope:
            return "out of scope"
        if not self.row.wanted:
            return "missing"
        return "covered" if all(self.noticed(feature) for feature in self.row.features) else "uncovered"

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        return {
            "id": self.row.id,
            "about": self.row.about,
            "status": self.row.status,
            "state": self.state.replace(" ", "_"),
            "reason": self.row.out_of_scope or None,
            "features": [
                {
                    "feature": str(feature),
                    "noticed": bool(self.noticed(feature)),
                    "trials": [trial.as_json() for trial in self.trials if trial.feature == feature],
                }
                for feature in self.row.features
            ],
        }


@dataclass(frozen=True)
class Coverage:
    """What was found out about all rows.

    Attributes:
        rows: in the order of their file.
        pairs: how many there are.
        findings: one sentence each: rows that are not covered, and declarations that are not borne out.
    """

    rows: tuple[Covered, ...]
    pairs: int
    findings: tuple[str, ...]

    def count(self, state: str) -> int:
        """How many rows are in a state."""
        return sum(row.state == state for row in self.rows)

    @property
    def wanted(self) -> int:
        """How many rows have to be covered."""
        return sum(row.row.wanted for row in self.rows)

    @property
    def passes(self) -> bool:
        """Whether all that has to be covered is, and every declaration is borne out."""
        return not self.findings and self.wanted > 0

    def as_json(self) -> dict[str, Any]:
        """Plain data, as `--json` shows it."""
        return {
            "schema": SCHEMA,
            "passes": self.passes,
            "pairs": self.pairs,
            "wanted": self.wanted,
            "covered": self.count("covered"),
            "missing": self.count("missing"),
            "out_of_scope": self.count("out of scope"),
            "rows": [row.as_json() for row in self.rows],
            "findings": list(self.findings),
        }


def cover(
    pairs: Sequence[Pair], rows: Sequence[Row], settings: Settings, advance: Callable[[], None] = lambda: None
) -> Coverage:
    """Finds out what a folder of pairs covers.

    Args:
        pairs: all of it.
        rows: what is to be covered.
        settings: how the meter compares.
        advance: called when a pair is done.

    Raises:
        InvalidTrace: a trace breaks a rule.
        UnusableInput: a trace or a tree cannot be read.
    """
    known = {row.id: row for row in rows}
    trials: list[Trial] = []
    for pair in pairs:
        trials += _trials(pair, known, settings)
        advance()
    found = tuple(Covered(row, tuple(trial for trial in trials if trial.row == row.id)) for row in rows)
    return Coverage(found, len(pairs), (*_about_rows(found), *_about_pairs(pairs, known, trials)))


def _trials(pair: Pair, rows: Mapping[str, Row], settings: Settings) -> Iterator[Trial]:
    declared = [rows[name] for name in dict.fromkeys(pair.meta.covers) if name in rows]
    if not any(row.features for row in declared):
        return
    teacher, student = pair.sides()
    whole = compare(teacher, student, settings)
    for row in declared:
        for feature in row.features:
            without = ablate(student, feature) if whole.share is not None else None
            if whole.share is None:
                outcome, after = "unscored", None
            elif without is None:
                outcome, after = "absent", None
            else:
                report = compare(teacher, without, settings)
                lower = report.share is not None and report.share < whole.share
                outcome, after = "noticed" if lower else "unnoticed", report.score
            yield Trial(pair.name, row.id, feature, whole.score, after, outcome)


def _about_rows(rows: Sequence[Covered]) -> Iterator[str]:
    for row in rows:
        if row.state != "uncovered":
            continue
        open_ = ", ".join(str(feature) for feature in row.row.features if not row.noticed(feature))
        yield f"{row.row.id} is not covered: no pair that declares it would notice the loss of {open_}"


def _about_pairs(pairs: Sequence[Pair], rows: Mapping[str, Row], trials: Sequence[Trial]) -> Iterator[str]:
    for pair in pairs:
        for name in dict.fromkeys(pair.meta.covers):
            row = rows.get(name)
            if row is None:
                yield f"{pair.name} declares {name}, and there is no such row"
            elif not row.wanted:
                why = "out of scope" if row.out_of_scope else "missing"
                yield f"{pair.name} declares {name}, which is {why}"
            else:
                mine = [trial for trial in trials if trial.pair == pair.name and trial.row == name]
                yield from _about_declaration(pair.name, name, mine)


def _about_declaration(pair: str, row: str, trials: Sequence[Trial]) -> Iterator[str]:
    outcomes = {trial.outcome for trial in trials}
    if outcomes == {"unscored"}:
        yield f"{pair} declares {row}, and has no score"
    elif outcomes == {"absent"}:
        yield f"{pair} declares {row}, and its student does nothing of the kind"
    for trial in trials:
        if trial.outcome == "unnoticed":
            yield f"{pair} declares {row}, and would not notice the loss of {trial.feature}"
