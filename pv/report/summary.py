"""What all reports count and call by the same names: the headline, the state of a contract and of the whole."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pv.fold import Folded, Outcome
from pv.matrix import killed
from pv.report.console import escape
from pv.report.wording import counted, figure, place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pv.status import ContractStatus, Report
    from pv.trend import Trend


class State(StrEnum):
    """What colour a report has: red, yellow, green, grey."""

    WRONG = "wrong"
    OPEN = "open"
    GOOD = "good"
    NOTHING = "nothing measured"


def headline(claims: Sequence[Folded]) -> str:
    """One line that counts every claim, and says of what."""
    count = Counter(one.outcome for one in claims)
    reasons = Counter(one.reason or "no reason given" for one in claims if one.outcome is Outcome.INCONCLUSIVE)
    expected = sum(one.outcome is Outcome.REFUTED and one.as_expected for one in claims)
    parts = [f"{count[Outcome.DISCHARGED]} discharged", f"{count[Outcome.REFUTED]} refuted"]
    if expected:
        parts[-1] += f" ({expected} as expected)"
    parts.append(f"{count[Outcome.INCONCLUSIVE]} inconclusive")
    if reasons:
        parts[-1] += f" ({', '.join(f'{number} {escape(reason)}' for reason, number in sorted(reasons.items()))})"
    if count[Outcome.ERROR]:
        parts.append(f"{count[Outcome.ERROR]} error")
    cells = [cell for one in claims for cell in one.cells]
    if cells:
        parts.append(f"{killed(cells)}/{len(cells)} mutants killed")
    return f"{counted(len(claims), 'claim')}: {', '.join(parts)}"


def counts(claims: Sequence[Folded]) -> dict[str, int]:
    """The same as numbers; each outcome counts towards `claims`, `mutants_killed` towards `mutants`."""
    count = Counter(one.outcome for one in claims)
    cells = [cell for one in claims for cell in one.cells]
    return {
        "claims": len(claims),
        **{str(outcome): count[outcome] for outcome in Outcome},
        "refuted_as_expected": sum(one.outcome is Outcome.REFUTED and one.as_expected for one in claims),
        "stale": sum(one.stale for one in claims),
        "mutants": len(cells),
        "mutants_killed": killed(cells),
    }


def settled(one: Folded) -> bool:
    """Whether a claim came out as its author expects."""
    return one.as_expected and one.outcome in (Outcome.DISCHARGED, Outcome.REFUTED)


def state_of(one: ContractStatus) -> State:
    """The state of one contract."""
    return _state(one.claims, wrong=one.contradicted)


def state(report: Report) -> State:
    """The state of all contracts together."""
    wrong = report.red or report.overstated or report.broken
    return _state(report.claims, wrong=wrong, incomplete=bool(report.unusable or report.told))


def trend_words(trend: Trend | None, *, up: str = "↑", down: str = "↓") -> str:
    """By how much a contract's counts moved since the run before, as `discharged ↑2, refuted ↓1`; empty where none did."""
    if trend is None:
        return ""
    moves = {
        "discharged": trend.discharged,
        "refuted": trend.refuted,
        "inconclusive": trend.inconclusive,
        "error": trend.error,
        "killed": trend.killed,
    }
    return ", ".join(f"{name} {up if by > 0 else down}{abs(by)}" for name, by in moves.items() if by)


def worst_of(claims: Iterable[Folded]) -> Mapping[str, Any] | None:
    """Of the worst distances of these claims the one that comes nearest to its bound, or passes it."""
    return max((one.worst for one in claims if one.worst), key=_ratio, default=None)


def distance(worst: Mapping[str, Any]) -> str:
    """A worst distance in words: how far of how much, and where."""
    at = place(worst.get("where") or {})
    bound = worst.get("bound")
    text = figure(worst.get("distance")) + (f" of {figure(bound)}" if bound is not None else "")
    return text + (f" at {at}" if at else "")


def reason(one: Folded) -> str:
    """Why a claim came out as it did."""
    return ": ".join(filter(None, (one.reason, one.detail))) or "no reason given"


def _state(claims: Sequence[Folded], *, wrong: bool, incomplete: bool = False) -> State:
    if wrong:
        return State.WRONG
    if not claims or not any(case.row for one in claims for case in one.evidence):
        return State.NOTHING
    return State.GOOD if all(map(settled, claims)) and not incomplete else State.OPEN


def _ratio(worst: Mapping[str, Any]) -> float:
    far, bound = worst.get("distance"), worst.get("bound")
    if not isinstance(far, (int, float)):
        return float("inf")
    return far / bound if isinstance(bound, (int, float)) and bound > 0 else float(far)
