"""What changed since another commit: the statuses there held against those of now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.changes import ClaimRef, Since, StatusMove
from pv.fold import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pv.fold import Folded
    from pv.status import ContractStatus

STALE = "stale"
_Pair = tuple["Folded", "Folded | None"]


def compare(before: Sequence[ContractStatus], now: Sequence[ContractStatus], *, ref: str, commit: str) -> Since:
    """What became of each claim and each contract between `before` and `now`.

    A claim that was not there before, or of which nothing was known, counts as neither refuted nor discharged then. Where nothing
    at all had been measured, nothing is called new, and `why_not` says so.
    """
    known = {(one.claim.contract, one.claim.id): one for status in before for one in status.claims}
    pairs = [(one, known.get((one.claim.contract, one.claim.id))) for status in now for one in status.claims]
    here = {(one.claim.contract, one.claim.id) for one, _ in pairs}
    added = tuple(reference(one, None) for one, old in pairs if old is None)
    told = _with_new_entries(before, now)
    removed = tuple(_gone(one, told) for key, one in known.items() if key not in here)
    moved = tuple(_moves(before, now))
    if not any(measured(one) for one in known.values()):
        why = "no claim there was measured" if known else "no claim was there"
        return Since(ref, commit, measured=False, why_not=why, added=added, removed=removed, moved=moved)

    def those(found: list[_Pair]) -> tuple[ClaimRef, ...]:
        return tuple(reference(one, old) for one, old in found)

    lost = [(one, old) for one, old in pairs if one.outcome is Outcome.INCONCLUSIVE and old and measured(old)]
    return Since(
        ref=ref,
        commit=commit,
        newly_refuted=those([(one, old) for one, old in pairs if _is_new_refutation(one, old)]),
        newly_discharged=those([(one, old) for one, old in pairs if _is_newly_discharged(one, old)]),
        newly_stale=those([(one, old) for one, old in lost if word(one) == STALE]),
        newly_inconclusive=those([(one, old) for one, old in lost if word(one) != STALE]),
        newly_in_error=those([(one, old) for one, old in pairs if _is_newly_in(Outcome.ERROR, one, old)]),
        added=added,
        removed=removed,
        moved=moved,
    )


def measured(one: Folded) -> bool:
    """Whether fresh evidence says of a claim that it holds, or that it does not."""
    return one.outcome in (Outcome.DISCHARGED, Outcome.REFUTED)


def against_expectation(one: Folded) -> bool:
    """Whether a claim came out as the opposite of what is expected of it."""
    return measured(one) and not one.as_expected


def word(one: Folded) -> str:
    """How a claim came out, in a word; what is stale is called so."""
    return STALE if one.outcome is Outcome.INCONCLUSIVE and one.reason == STALE else str(one.outcome)


def reference(one: Folded, old: Folded | None) -> ClaimRef:
    """A claim by name and place, how it came out, and how it had before; `before` is empty if it was not there."""
    claim = one.claim
    text = ": ".join(filter(None, (one.reason, one.detail)))
    return ClaimRef(claim.contract, claim.id, claim.path, claim.span.line, text, word(old) if old else "", word(one))


def _gone(old: Folded, told: set[str]) -> ClaimRef:
    """A claim that was there; its text says so where the contract's history has something to say of the time since."""
    claim = old.claim
    text = "the contract's history has a new entry" if claim.contract in told else ""
    return ClaimRef(claim.contract, claim.id, claim.path, claim.span.line, text, word(old), "")


def _with_new_entries(before: Sequence[ContractStatus], now: Sequence[ContractStatus]) -> set[str]:
    """The contracts whose history has grown."""
    entries = {one.contract.name: len(one.contract.status_history) for one in before}
    return {one.contract.name for one in now if len(one.contract.status_history) > entries.get(one.contract.name, 0)}


def _is_new_refutation(one: Folded, old: Folded | None) -> bool:
    """Whether a claim is refuted, or discharged against expectation, and was not so before.

    That its author now expects the refutation of a claim that held before does not make it an old one.
    """
    if against_expectation(one):
        return not (old and against_expectation(old) and old.outcome is one.outcome)
    was_good = old is not None and old.outcome is Outcome.DISCHARGED and old.as_expected
    return one.outcome is Outcome.REFUTED and was_good


def _is_newly_discharged(one: Folded, old: Folded | None) -> bool:
    return one.as_expected and _is_newly_in(Outcome.DISCHARGED, one, old)


def _is_newly_in(outcome: Outcome, one: Folded, old: Folded | None) -> bool:
    return one.outcome is outcome and not (old and old.outcome is outcome)


def _moves(before: Sequence[ContractStatus], now: Sequence[ContractStatus]) -> Iterator[StatusMove]:
    """The contracts that were there before whose declared or effective status is another one."""
    known = {one.contract.name: one for one in before}
    for one in now:
        old = known.get(one.contract.name)
        if old is None:
            continue
        if old.contract.status != one.contract.status:
            words = old.contract.status or "none", one.contract.status or "none"
            yield StatusMove(one.contract.name, one.contract.path, "declared", *words)
        if old.effective is not one.effective:
            yield StatusMove(one.contract.name, one.contract.path, "effective", str(old.effective), str(one.effective))
