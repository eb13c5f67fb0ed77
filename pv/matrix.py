"""The kill matrix: what became of each mutant under each claim that names it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pv.parse import Case
from pv.words import Expect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pv.parse import Claim, Mutant


class Fate(StrEnum):
    """What became of a mutant under a claim; the last two say that no fresh evidence tells."""

    KILLED = "killed"
    SURVIVED = "survived"
    MISLOCALISED = "mislocalised"
    INCONCLUSIVE = "inconclusive"
    ERROR = "error"
    STALE = "stale"
    NOT_RUN = "not run"


MISSED = frozenset({Fate.SURVIVED, Fate.MISLOCALISED})
WRONG = MISSED | {Fate.ERROR}
UNSEEN = frozenset({Fate.STALE, Fate.NOT_RUN})
# what a row may say of a mutant; every other word means nothing there
_OF_ROWS = frozenset(Fate) - UNSEEN


@dataclass(frozen=True)
class Cell:
    """One mutant under one claim: what was expected, what was found, and why no more is known.

    `params` are those that it ran with: the case's, but for those that the falsifier reported by name. `refuted` is whether
    the falsifier refuted the claim on the mutant, None where that is not known; `found` is the place, and how far off; `told`
    are the figures that the falsifier gave for the report.
    """

    claim: Claim
    mutant: Mutant
    fate: Fate
    params: str = ""
    reason: str = ""
    message: str = ""
    refuted: bool | None = None
    found: Mapping[str, Any] = field(default_factory=dict)
    told: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fresh(self) -> bool:
        """Whether evidence that still counts says what became of the mutant."""
        return self.fate not in UNSEEN

    @property
    def to_refute(self) -> bool:
        """Whether the mutant breaks the claim. Those of a claim that is expected to be refuted make it true instead."""
        return self.claim.expect is Expect.DISCHARGED

    @property
    def localised(self) -> bool | None:
        """Whether it was refuted at the stage and layer where the fault was planted; None where nothing was refuted."""
        return self.fate is Fate.KILLED if self.to_refute and self.refuted else None


def cell(claim: Claim, case: Case, row: Mapping[str, Any] | None, stale: str, unrun: str = "") -> Cell:
    """The cell that a row fills; without a fresh one, `stale` says why the newest counts no more, if there was any.

    `unrun` says why the claim could not be run at all, where that is known.

    Raises:
        ValueError: the case has no mutant.
    """
    if case.mutant is None:
        raise ValueError(f"{case.label!r} of {claim.id} is no case of a mutant")
    told = row.get("reported") if row is not None else None
    told = told if isinstance(told, dict) else {}
    # a fault may choose what it is run on: a falsifier that reports a parameter by its name says what that really was
    label = Case({name: _text(told.get(name)) or value for name, value in case.params.items()}).label
    if row is None:
        return Cell(claim, case.mutant, Fate.STALE if stale else Fate.NOT_RUN, label, message=stale or unrun)
    word = row["verdict"]
    if word not in _OF_ROWS:
        return Cell(claim, case.mutant, Fate.INCONCLUSIVE, label, "unreadable", f"{word!r} is no verdict here")
    figures = {name: row[name] for name in ("distance", "bound") if row.get(name) is not None}
    return Cell(
        claim=claim,
        mutant=case.mutant,
        fate=Fate(word),
        params=label,
        reason=str(row.get("reason") or ""),
        message=str(row.get("message") or ""),
        refuted=_refuted(Fate(word), row, to_refute=claim.expect is Expect.DISCHARGED),
        found={**(row.get("where") or {}), **figures},
        told=told,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _refuted(fate: Fate, row: Mapping[str, Any], *, to_refute: bool) -> bool | None:
    """What the verdict says; a mutant that should make its claim true also survives where nothing was compared."""
    if fate is Fate.SURVIVED and not to_refute:
        return row.get("refuted")
    return {Fate.KILLED: to_refute, Fate.SURVIVED: False, Fate.MISLOCALISED: True}.get(fate)


def killed(cells: Iterable[Cell]) -> int:
    """How many of the mutants were refuted where they were planted."""
    return sum(one.fate is Fate.KILLED for one in cells)


def totals(cells: Iterable[Cell]) -> Counter[Fate]:
    """How many mutants came to which end."""
    return Counter(one.fate for one in cells)


def proves_nothing(claim: Claim, cells: Iterable[Cell]) -> str:
    """Why nothing shows that a claim's falsifier can fail, in words; empty where a mutant shows it or may still do so.

    A falsifier is vacuous if its claim names no mutant, or if it was run on mutants and let all of those through. Mutants
    that were not run, or that could not be judged, tell nothing either way.
    """
    if not claim.mutants:
        return "it names no mutant: nothing shows that its falsifier can fail"
    fates = totals(cells)
    if fates[Fate.KILLED] or not any(fates[one] for one in MISSED):
        return ""
    missed = sum(fates[one] for one in MISSED)
    return f"it kills none of its mutants: {missed} of {fates.total()} missed"
