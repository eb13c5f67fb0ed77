"""What a claim's pending conditions make of its outcome, and what is to be said of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pv.fold import Folded, Outcome
from pv.judge import VACUOUS
from pv.pending import UNTIL, Checked, State
from pv.remark import Remark, Topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PENDING = "pending"
_NOT_RUN = "not run"
# What was seen of a falsifier, that there is none, or what is wrong with the ledger is no matter of waiting.
_SEEN = frozenset({VACUOUS, "unbound", "unreadable", "mutant survived", "mutant mislocalised"})


def wait(folded: Folded, checked: Sequence[Checked]) -> Folded:
    """The claim as *pending* if nothing is known about it and something that it waits for is not there."""
    unmet = tuple(str(one.condition) for one in checked if one.state is State.UNMET)
    if not unmet or folded.outcome is not Outcome.INCONCLUSIVE or folded.reason in _SEEN:
        return folded
    known = ": ".join(filter(None, (folded.reason, folded.detail))) if folded.reason != _NOT_RUN else ""
    detail = ", ".join(unmet) + (f" ({known})" if known else "")
    return replace(folded, reason=PENDING, detail=detail, pending=unmet)


def remarks(folded: Folded, checked: Sequence[Checked]) -> Iterator[Remark]:
    """What is to be said of a claim that waits: of waiting that has lost its reason, gravely.

    A claim waits for all of its conditions together; `until` is no reason to wait, only the last day of it.
    """
    if not checked:
        return
    known = folded.outcome is not Outcome.INCONCLUSIVE
    reasons = [one for one in checked if one.condition.kind != UNTIL]
    unmet = [one for one in reasons if one.state is State.UNMET]
    if known:
        if not unmet and all(one.state is State.MET for one in reasons):
            yield _remark(folded, f"{folded.outcome}, so it waits for nothing any more", "drop the pending note")
        return
    for one in checked:
        if one.state is State.UNKNOWN:
            yield _remark(folded, f"waits for {one.condition}, which cannot be looked for: {one.why}", grave=True)
        elif one.condition.kind == UNTIL and one.state is State.MET:
            yield _remark(
                folded, f"waited until {one.condition.value}, which is past: run it, or say why not", grave=True
            )
    met = [str(one.condition) for one in reasons if one.state is State.MET]
    if met and not unmet:
        there = "which is there" if len(met) == 1 else "which are there"
        yield _remark(folded, f"waits for {', '.join(met)}, {there}: run it", _run(folded), grave=True)
    elif met:
        rest = ", ".join(str(one.condition) for one in unmet)
        yield _remark(folded, f"{', '.join(met)} is there; still waits for {rest}", "drop what is there from 'pending'")


def _remark(folded: Folded, text: str, fix: str = "", *, grave: bool = False) -> Remark:
    claim = folded.claim
    return Remark(Topic.PENDING, text, claim=claim.id, grave=grave, span=claim.span, help=fix)


def _run(folded: Folded) -> str:
    return f"pytest '{folded.claim.path}::{folded.claim.id}'"
