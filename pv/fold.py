"""From the runs of one claim to what they say about it together."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import inf
from typing import TYPE_CHECKING, Any

from pv.evidence import skipped_text
from pv.judge import VACUOUS, Word
from pv.matrix import MISSED, Cell, cell, proves_nothing
from pv.words import Expect, Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pv.parse import Case, Claim


_OF_CASES = frozenset({Word.DISCHARGED, Word.REFUTED, Word.INCONCLUSIVE, Word.ERROR})
_OF_MUTANTS = frozenset({Word.KILLED, Word.SURVIVED, Word.MISLOCALISED, Word.INCONCLUSIVE, Word.ERROR})


class Outcome(StrEnum):
    """What is known about a claim."""

    DISCHARGED = "discharged"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"


@dataclass(frozen=True)
class CaseEvidence:
    """The row that counts for one case, the number and the id of its line; none, and why, where nothing fresh is there."""

    case: Case
    row: Mapping[str, Any] | None = None
    stale: str = ""
    line: int = 0
    id: str = ""
    expires: datetime | None = None


@dataclass(frozen=True)
class Folded:
    """What is known about a claim, and why no more.

    `evidence` holds the row of each case; `expires` is when the first of them does, `pending` what the claim waits for.
    """

    claim: Claim
    outcome: Outcome
    as_expected: bool
    reason: str = ""
    detail: str = ""
    level: Level = Level.ALGORITHM
    cells: tuple[Cell, ...] = ()
    worst: Mapping[str, Any] | None = None
    reported: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    stale: bool = False
    evidence: tuple[CaseEvidence, ...] = ()
    expires: datetime | None = None
    pending: tuple[str, ...] = ()

    @property
    def survived(self) -> bool:
        """Whether a mutant was let through, or refuted elsewhere than where it was planted."""
        return any(one.fate in MISSED for one in self.cells)

    @property
    def vacuous(self) -> str:
        """Why nothing shows that the falsifier can fail; empty where a mutant shows it, or may still do so."""
        return proves_nothing(self.claim, self.cells)

    @property
    def contradicts(self) -> bool:
        """Whether this must turn a report red: refuted or discharged against expectation, broken, or a mutant missed."""
        return (
            self.outcome is Outcome.ERROR
            or self.survived
            or (self.outcome is not Outcome.INCONCLUSIVE and not self.as_expected)
        )


def fold(claim: Claim, evidence: Sequence[CaseEvidence]) -> Folded:
    """What the evidence for all cases of a claim says about it together: the worst of them counts."""
    plain = [one for one in evidence if one.case.mutant is None]
    mutants = [one for one in evidence if one.case.mutant is not None]
    unrun = next(filter(None, (_unrun(one.row) for one in plain)), "")
    cells = tuple(cell(claim, one.case, one.row, one.stale, unrun) for one in mutants)
    levels = [_level(one.row) for one in plain if one.row]
    outcome, as_expected, reason, detail = _outcome(claim, plain, mutants, proves_nothing(claim, cells))
    return Folded(
        claim=claim,
        outcome=outcome,
        as_expected=as_expected,
        reason=reason,
        detail=detail,
        level=min(levels, key=lambda level: level.rank, default=Level.ALGORITHM),
        cells=cells,
        worst=_worst(plain),
        reported=tuple((one.case.label, told) for one in plain if one.row and (told := _told(one.row))),
        stale=any(one.stale for one in evidence),
        evidence=tuple(evidence),
        expires=min((one.expires for one in evidence if one.expires is not None), default=None),
    )


def _outcome(
    claim: Claim, plain: Sequence[CaseEvidence], mutants: Sequence[CaseEvidence], vacuous: str
) -> tuple[Outcome, bool, str, str]:
    for word in (Word.ERROR, Word.REFUTED):
        hit = next((one for one in plain if one.row and one.row["verdict"] == word), None)
        if hit and hit.row and (word is Word.ERROR or claim.expect is Expect.DISCHARGED):
            return Outcome(word), False, "", _with_label(hit, str(hit.row.get("message", "")))
    broken = next((one for one in mutants if one.row and one.row["verdict"] == Word.ERROR), None)
    if broken and broken.row:
        return Outcome.ERROR, False, "", _with_label(broken, str(broken.row.get("message", "")))
    found = _missed(mutants, vacuous) or next(
        filter(None, (check(plain, mutants) for check in (_unreadable, _unknown, _absent))), None
    )
    if found:
        return Outcome.INCONCLUSIVE, False, *found
    words = {one.row["verdict"] for one in plain if one.row}
    if claim.expect is Expect.REFUTED and words != {Word.REFUTED}:
        return Outcome.DISCHARGED, False, "", "expected to be refuted, and was not"
    if vacuous:
        return Outcome.INCONCLUSIVE, False, VACUOUS, vacuous
    return (
        (Outcome.REFUTED, True, "", "as expected")
        if claim.expect is Expect.REFUTED
        else (Outcome.DISCHARGED, True, "", "")
    )


def _unrun(row: Mapping[str, Any] | None) -> str:
    """Why a falsifier did not come to a verdict, if it did not."""
    if row is None or row["verdict"] not in (Word.INCONCLUSIVE, Word.ERROR):
        return ""
    return ": ".join(filter(None, (str(row.get("reason") or ""), str(row.get("message") or ""))))


def _told(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """Figures that the falsifier gave for the report, and what it skipped; no verdict rests on them."""
    reported = row.get("reported")
    told = reported if isinstance(reported, dict) else {}
    return {**told, "skipped": skipped_text(row["skipped"])} if row.get("skipped") else told


def _missed(mutants: Sequence[CaseEvidence], vacuous: str) -> tuple[str, str] | None:
    for one in mutants:
        if one.row and one.row["verdict"] in (Word.SURVIVED, Word.MISLOCALISED):
            detail = _with_label(one, str(one.row.get("message", "")))
            return (VACUOUS, f"{vacuous}: {detail}") if vacuous else (f"mutant {one.row['verdict']}", detail)
    return None


def _unreadable(plain: Sequence[CaseEvidence], mutants: Sequence[CaseEvidence]) -> tuple[str, str] | None:
    """A row whose verdict means nothing for its case; what is not said to be discharged or killed never counts as such."""
    for cases, known in ((plain, _OF_CASES), (mutants, _OF_MUTANTS)):
        for one in cases:
            if one.row and one.row["verdict"] not in known:
                return "unreadable", _with_label(one, f"{one.row['verdict']!r} is no verdict here")
    return None


def _unknown(plain: Sequence[CaseEvidence], mutants: Sequence[CaseEvidence]) -> tuple[str, str] | None:
    for one in (*plain, *mutants):
        if one.row and one.row["verdict"] == Word.INCONCLUSIVE:
            return str(one.row.get("reason", "")), _with_label(one, str(one.row.get("message", "")))
    return None


def _absent(plain: Sequence[CaseEvidence], mutants: Sequence[CaseEvidence]) -> tuple[str, str] | None:
    cases = (*plain, *mutants)
    stale = next((one for one in cases if one.row is None and one.stale), None)
    if stale:
        return "stale", _with_label(stale, stale.stale)
    missing = [one.case.label for one in cases if one.row is None]
    if missing or not plain:
        return "not run", ", ".join(filter(None, missing))
    return None


def _with_label(one: CaseEvidence, text: str) -> str:
    return f"[{one.case.label}] {text}" if one.case.label else text


def _level(row: Mapping[str, Any]) -> Level:
    word = row.get("level")
    return Level(word) if word in list(Level) else Level.ALGORITHM


def _worst(plain: Sequence[CaseEvidence]) -> Mapping[str, Any] | None:
    seen = [one.row["worst"] for one in plain if one.row and isinstance(one.row.get("worst"), dict)]
    return max(seen, key=_size, default=None)


def _size(worst: Mapping[str, Any]) -> float:
    distance = worst.get("distance")
    return float(distance) if isinstance(distance, (int, float)) else inf
