"""What a contract lacks for the status that it declares, claim by claim, and what it could declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.fold import Outcome
from pv.matrix import MISSED, Fate
from pv.report.summary import settled
from pv.report.wording import counted
from pv.words import Effective, Level

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pv.fold import Folded
    from pv.status import ContractStatus

_OF_MUTANTS = frozenset(f"mutant {fate}" for fate in MISSED)
_MOST_NAMES = 5  # mutants that are named; of more, the rest is counted


def lacking(one: ContractStatus) -> list[tuple[str, list[str]]]:
    """For each claim that stands between the declared status and the effective one, what it lacks.

    What the contract as a whole lacks stands under the empty id. Nothing is lacking where no more is declared than is effective.
    """
    declared = one.declared
    if declared is None or not one.overstated:
        return []
    if not one.claims:
        return [("", ["it has no claim: nothing can be discharged"])]
    # a refuted claim alone takes a contract off the ladder; for its lower rungs the others need not be settled
    few = one.effective is Effective.REFUTED and declared.rank <= Effective.PARTIAL_ALGORITHM_LEVEL.rank
    found = [(claim.claim.id, lacks(claim, declared)) for claim in one.claims if not few or _against(claim)]
    wanting = [(name, texts) for name, texts in found if texts]
    whole = [one.cap] if one.cap else []
    real = any(claim.level.rank >= Level.MEASURED.rank for claim in one.claims)
    if declared is Effective.ACTIVE_RUNTIME and not real:
        whole.append("no claim was seen on a run of a real model (level measured or above)")
    return [*([("", whole)] if whole else []), *wanting]


def lacks(one: Folded, declared: Effective) -> list[str]:
    """What one claim lacks for a contract to be what is declared; nothing where it lacks nothing."""
    texts = [] if settled(one) else list(filter(None, [_outcome(one)]))
    texts += mutants(one)
    asked = one.claim.level
    if declared is Effective.ACTIVE_RUNTIME and settled(one) and one.level.rank < asked.rank:
        texts.append(f"level {one.level} reached, {asked} asked")
    if texts:
        texts += [f"waits for {what}" for what in one.pending]
    return texts


def mutants(one: Folded) -> list[str]:
    """What became of the mutants that were not killed, one text for each end that they came to."""
    texts = []
    for fate in Fate:
        names = [cell.mutant.id for cell in one.cells if cell.fate is fate]
        if names and fate is not Fate.KILLED:
            texts.append(f"{counted(len(names), 'mutant')} {fate}: {_named(names)}")
    return texts


def promotion(one: ContractStatus) -> str:
    """What to type where the evidence supports more than is declared; empty where it does not."""
    return f"pv promote {one.contract.path}" if one.promotable else ""


def _against(one: Folded) -> bool:
    return one.outcome in (Outcome.REFUTED, Outcome.DISCHARGED) and not one.as_expected


def _outcome(one: Folded) -> str:
    if one.outcome is Outcome.INCONCLUSIVE:
        if one.reason == "not run":
            return _not_run(one)
        if one.reason in _OF_MUTANTS:  # they are named below
            return ""
        return ": ".join(filter(None, (one.reason, one.detail))) or "inconclusive: no reason given"
    if one.outcome is Outcome.DISCHARGED:
        return "discharged although its author expects that it is refuted"
    return ": ".join(filter(None, (str(one.outcome), one.detail)))


def _not_run(one: Folded) -> str:
    """Which of a claim's own cases were not run; empty if only mutants were not."""
    plain = [case for case in one.evidence if case.case.mutant is None]
    missing = [case.case.label for case in plain if case.row is None]
    return "not run" if len(missing) == len(plain) else f"not run: {_named(missing)}" if missing else ""


def _named(names: Iterable[str]) -> str:
    listed = list(names)
    rest = len(listed) - _MOST_NAMES
    return ", ".join(listed[:_MOST_NAMES]) + (f" and {rest} more" if rest > 0 else "")
