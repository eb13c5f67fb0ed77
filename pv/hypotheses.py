"""Hypotheses of a contract: which are refuted, which survive, and which claim would tell most about the others.

A claim that names a hypothesis says what must hold if the hypothesis is true: one claim refuted refutes it, also where its
author expected that; it survives while all its claims are discharged. What is narrower than a refuted hypothesis is moot.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pv.fold import Folded, Outcome
from pv.judge import Word

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pv.ledger import Ledger
    from pv.parse import Claim, Contract, Hypothesis

ASSUMPTION = "every live hypothesis, and that none of them is true, taken as equally likely"
# why nothing fresh is known of a claim that a run would change; what is pending, unbound or vacuous needs something else first
_RUNNABLE = frozenset({"not run", "stale"})


class State(StrEnum):
    """What is known of a hypothesis."""

    REFUTED = "refuted"
    SURVIVES = "survives"
    OPEN = "open"
    MOOT = "moot"


@dataclass(frozen=True)
class Node:
    """A hypothesis, what is known of it and why, the claims that test it, and the narrower ones below it."""

    hypothesis: Hypothesis
    state: State
    why: str
    claims: tuple[Folded, ...]
    below: tuple[Node, ...] = ()

    @property
    def live(self) -> bool:
        """Whether it may still be true."""
        return self.state in (State.OPEN, State.SURVIVES)

    def walk(self) -> list[Node]:
        """This one and all below it."""
        return [self, *(node for one in self.below for node in one.walk())]


@dataclass(frozen=True)
class Candidate:
    """A claim that could be run: what it would tell, and how long it took before.

    `bits` is the entropy of the split that it makes, `parts` how many of `live` hypotheses its refutation would remove. `seconds`
    is None where no run of all its cases was measured.
    """

    claim: Claim
    hypothesis: str
    bits: float
    parts: int
    live: int
    seconds: float | None


@dataclass(frozen=True)
class Tree:
    """The hypotheses of one contract, and the claims that could be run next, the most informative first."""

    contract: Contract
    roots: tuple[Node, ...]
    next: tuple[Candidate, ...]

    @property
    def nodes(self) -> list[Node]:
        """All hypotheses, each before those below it."""
        return [node for root in self.roots for node in root.walk()]


def tree(contract: Contract, claims: Sequence[Folded], seconds: Mapping[str, float]) -> Tree | None:
    """What is known of a contract's hypotheses; None if it has none.

    Args:
        contract: with parents that are hypotheses and make no circle, as rule PV316 demands; others count as none.
        claims: the contract's claims and what is known about them.
        seconds: how long a claim took, by id, where that was measured.
    """
    named = contract.hypotheses
    if not named:
        return None
    below: dict[str, list[str]] = {}
    for name, one in named.items():
        below.setdefault(one.parent if _reaches_top(name, named) else "", []).append(name)
    roots = tuple(_node(name, named, below, claims, "") for name in below.get("", ()))
    return Tree(contract, roots, _next(roots, seconds))


def bits(parts: int, live: int) -> float:
    """How much a claim tells that splits `live` hypotheses into `parts` and the others, in bits (Shannon 1948, section 6).

    That no hypothesis is true counts as one more possibility beside them: without it the last one left could not be tested.
    All possibilities are taken as equally likely.
    """
    share = min(parts, live + 1 - parts) / (
        live + 1
    )  # either side tells the same, to the last bit, so that ties are ties
    return -share * math.log2(share) - (1 - share) * math.log2(1 - share) if 0 < share < 1 else 0.0


def seconds_of(ledger: Ledger, claims: Iterable[Claim]) -> dict[str, float]:
    """How long each claim that tests a hypothesis took, mutants and all, by its id; it has to be known of every case.

    The newest run of a case that came to a verdict counts, in seconds.
    """
    found = {}
    for claim in claims:
        if not claim.hypothesis:
            continue
        times = [
            _seconds(ledger, (claim.contract, claim.id, case.key, case.mutant.id if case.mutant else ""))
            for case in claim.cases()
        ]
        if times and None not in times:
            found[claim.id] = sum(time for time in times if time is not None)
    return found


def _seconds(ledger: Ledger, key: tuple[str, str, str, str]) -> float | None:
    for entry in ledger.newest(key):
        time = entry.row.get("duration_s")
        ran = entry.row.get("verdict") not in (Word.ERROR, Word.INCONCLUSIVE)  # these ended early
        if ran and isinstance(time, (int, float)) and not isinstance(time, bool) and time > 0:
            return float(time)
    return None


def _reaches_top(name: str, named: Mapping[str, Hypothesis]) -> bool:
    """Whether the parents of a hypothesis end somewhere; in a circle, or below what is not there, they do not."""
    seen = {name}
    while named[name].parent:
        name = named[name].parent
        if name in seen or name not in named:
            return False
        seen.add(name)
    return True


def _node(
    name: str,
    named: Mapping[str, Hypothesis],
    below: Mapping[str, Sequence[str]],
    claims: Sequence[Folded],
    refuted_above: str,
) -> Node:
    mine = tuple(one for one in claims if one.claim.hypothesis == name)
    state, why = _state(mine)
    refuted = refuted_above or (name if state is State.REFUTED else "")
    narrower = tuple(_node(child, named, below, claims, refuted) for child in below.get(name, ()))
    if refuted_above and state is not State.REFUTED:
        state, why = State.MOOT, f"{refuted_above} is refuted" + (f"; by itself {state}: {why}" if mine else "")
    elif not mine and narrower:
        count = sum(one.state is State.REFUTED for one in narrower)
        why += f"; {count} of the {len(narrower)} below it refuted"
    return Node(named[name], state, why, mine, narrower)


def _state(claims: Sequence[Folded]) -> tuple[State, str]:
    refuted = [one for one in claims if one.outcome is Outcome.REFUTED]
    if refuted:
        return State.REFUTED, ", ".join(one.claim.id for one in refuted)
    if not claims:
        return State.OPEN, "no claim tests it"
    unknown = [one for one in claims if one.outcome is not Outcome.DISCHARGED]
    if unknown:
        return State.OPEN, "; ".join(f"{one.claim.id}: {_unknown(one)}" for one in unknown)
    return State.SURVIVES, ", ".join(
        f"{one.claim.id} {'discharged' if one.as_expected else 'was expected to be refuted, and was not'}"
        for one in claims
    )


def _unknown(one: Folded) -> str:
    return (one.reason or "no reason given") if one.outcome is Outcome.INCONCLUSIVE else str(one.outcome)


def _next(roots: Sequence[Node], seconds: Mapping[str, float]) -> tuple[Candidate, ...]:
    """The claims that could be run, by bits a second; what was never measured is taken to last as long as the median of the others."""
    from statistics import median  # noqa: PLC0415  slow to import, and seldom needed

    nodes = [node for root in roots for node in root.walk()]
    live = sum(node.live for node in nodes)
    found = []
    for node in nodes:
        parts = sum(one.live for one in node.walk())
        for one in node.claims:
            if node.live and one.outcome is Outcome.INCONCLUSIVE and one.reason in _RUNNABLE and not one.pending:
                time = seconds.get(one.claim.id)
                found.append(Candidate(one.claim, node.hypothesis.name, bits(parts, live), parts, live, time))
    usual = median([one.seconds for one in found if one.seconds is not None] or [1.0])
    return tuple(sorted(found, key=lambda one: (-one.bits / (one.seconds or usual), one.claim.id)))
