"""What the last run that touched a contract changed in its counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pv.fold import CaseEvidence, Folded, Outcome, fold
from pv.matrix import killed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pv.ledger import Glimpse, Ledger
    from pv.parse import Case, Claim, Contract


@dataclass(frozen=True, slots=True)
class Trend:
    """By how much the counts of a contract differ from those before the last run that touched it."""

    discharged: int = 0
    refuted: int = 0
    inconclusive: int = 0
    error: int = 0
    killed: int = 0


def trend(
    contract: Contract,
    ledger: Ledger,
    folded: Sequence[Folded],
    together: Mapping[str, Collection[str]] | None = None,
) -> Trend | None:
    """By how much the counts of `folded` differ from those before the last run that touched the contract.

    `together` names, for a run that was a shard, the runs of all shards, which are one run.

    What was known before is each case's newest row of any other run, taken at its word: whether it was fresh by then cannot be
    told any more, and no more than its verdict is read. None where no run, or a single one, touched the contract.
    """
    seen = [(claim, [_Rows(claim, case, ledger) for case in claim.cases()]) for claim in contract.claims]
    newest = [rows.first for _, cases in seen for rows in cases if rows.first is not None]
    if not newest:
        return None
    run = max(newest).run
    last = (together or {}).get(run, (run,))
    before = [(claim, [rows.before(last) for rows in cases]) for claim, cases in seen]
    if all(one.row is None for _, cases in before for one in cases):
        return None
    moved = [
        (now, fold(claim, cases))
        for now, (claim, cases) in zip(folded, before, strict=True)
        if not _alike(now.evidence, cases)
    ]
    return _difference([now for now, _ in moved], [then for _, then in moved])


class _Rows:
    """What the rows of one case say, newest first."""

    def __init__(self, claim: Claim, case: Case, ledger: Ledger) -> None:
        self._case = case
        mutant = case.mutant.id if case.mutant else ""
        self._rest: Iterator[Glimpse] = iter(ledger.glimpses((claim.contract, claim.id, case.key, mutant)))
        self.first = next(self._rest, None)

    def before(self, runs: Collection[str]) -> CaseEvidence:
        """The newest verdict that is of none of `runs`."""
        told = self.first
        while told is not None and told.run in runs:
            told = next(self._rest, None)
        return CaseEvidence(self._case) if told is None else CaseEvidence(self._case, {"verdict": told.verdict})


def _alike(now: Sequence[CaseEvidence], before: Sequence[CaseEvidence]) -> bool:
    """Whether every case has the verdict that it had; then so has the claim, and nothing need be folded."""
    return all(
        a.row is not None and b.row is not None and a.row["verdict"] == b.row["verdict"]
        for a, b in zip(now, before, strict=True)
    )


def _difference(now: Sequence[Folded], before: Sequence[Folded]) -> Trend:
    counts = Counter(one.outcome for one in now)
    counts.subtract(one.outcome for one in before)
    return Trend(
        discharged=counts[Outcome.DISCHARGED],
        refuted=counts[Outcome.REFUTED],
        inconclusive=counts[Outcome.INCONCLUSIVE],
        error=counts[Outcome.ERROR],
        killed=_killed(now) - _killed(before),
    )


def _killed(claims: Sequence[Folded]) -> int:
    return sum(killed(one.cells) for one in claims)
