"""The status that fresh evidence supports, computed and held against the one declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from pv.expiry import expires_at, expiring, started_of
from pv.fold import CaseEvidence, Folded, Outcome, fold
from pv.freshness import Freshness
from pv.pending import World
from pv.remark import caps
from pv.waiting import remarks as remarks_on_waiting
from pv.waiting import wait
from pv.words import Effective, Level, rung

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pv.changes import Since
    from pv.config import Config
    from pv.hypotheses import Tree
    from pv.ledger import Ledger
    from pv.parse import Case, Claim, Contract
    from pv.remark import Remark
    from pv.trend import Trend


@dataclass(frozen=True)
class ContractStatus:
    """What is known about one contract.

    `supported` is the rung that its evidence supports, `effective` what is left of it where `cap` says that it counts for one
    less.
    """

    contract: Contract
    claims: tuple[Folded, ...]
    effective: Effective
    supported: Effective | None = None
    cap: str = ""
    remarks: tuple[Remark, ...] = ()
    trend: Trend | None = None
    hypotheses: Tree | None = None

    @property
    def declared(self) -> Effective | None:
        """The rung of the ladder that the author declares; None where he declares none."""
        return None if self.contract.status is None else rung(self.contract.status)

    @property
    def overstated(self) -> bool:
        """Whether more is declared than the evidence supports."""
        return self.declared is not None and self.declared.rank > self.effective.rank

    @property
    def promotable(self) -> bool:
        """Whether the evidence supports more than is declared."""
        return self.declared is not None and self.effective.rank > self.declared.rank

    @property
    def contradicted(self) -> bool:
        """Whether the contract must turn a report red: by a claim, by what it declares, or by a grave remark."""
        return self.overstated or any(one.contradicts for one in self.claims) or any(one.grave for one in self.remarks)

    @property
    def lacking(self) -> tuple[Folded, ...]:
        """The claims that stand between the declared status and the effective one."""
        declared = self.declared
        if declared is None or not self.overstated:
            return ()
        runtime = declared is Effective.ACTIVE_RUNTIME
        unsettled = tuple(one for one in self.claims if not _settled(one) or (runtime and _below_level(one)))
        return unsettled or self.claims

    def count(self, outcome: Outcome) -> int:
        """How many claims have this outcome."""
        return sum(1 for one in self.claims if one.outcome is outcome)


@dataclass(frozen=True)
class Report:
    """What is known about all contracts asked for."""

    contracts: tuple[ContractStatus, ...]
    ledger: Path
    ledger_exists: bool
    problems: tuple[str, ...] = field(default=())
    unusable: tuple[str, ...] = field(default=())
    since: Since | None = None
    broken: bool = False  # whether the ledger was changed after it had been written
    remarks: tuple[Remark, ...] = ()  # those on contracts that are not there any more

    @property
    def told(self) -> tuple[str, ...]:
        """What is to be said beside the contracts: of the ledger, and of contracts that are not there any more."""
        return (*self.problems, *(one.text for one in self.remarks))

    @property
    def claims(self) -> tuple[Folded, ...]:
        """Every claim of every contract."""
        return tuple(one for contract in self.contracts for one in contract.claims)

    @property
    def red(self) -> bool:
        """Whether any claim contradicts what is expected of it, a remark is grave, or the ledger's chain is broken."""
        grave = any(remark.grave for remark in chain(self.remarks, *(one.remarks for one in self.contracts)))
        return self.broken or grave or any(one.contradicts for one in self.claims)

    @property
    def overstated(self) -> bool:
        """Whether any contract declares more than its evidence supports."""
        return any(contract.overstated for contract in self.contracts)

    def found(self, *, strict: bool = False) -> bool:
        """Whether there are findings: something red, or declared above what is effective; under `strict` also what nobody knows."""
        unknown = strict and any(one.outcome is Outcome.INCONCLUSIVE for one in self.claims)
        return self.red or self.overstated or unknown


def compute(
    contracts: Iterable[Contract],
    ledger: Ledger,
    config: Config,
    *,
    remarks: Mapping[str, Sequence[Remark]] | None = None,
    now: datetime | None = None,
) -> tuple[ContractStatus, ...]:
    """The status of each contract: for each case of each claim the newest fresh row counts.

    `remarks` are those that others made, by the name of the contract; what is to be said of waiting and of expiring follows
    them. `now` is the one time of the report.
    """
    freshness = Freshness(config, now)
    world = World(config, freshness.now)
    return tuple(
        _contract_status(contract, ledger, freshness, world, (remarks or {}).get(contract.name, ()))
        for contract in contracts
    )


def effective(claims: Sequence[Folded]) -> Effective:
    """The rung of the ladder that these claims support together.

    ACTIVE_RUNTIME asks, beyond every claim's own level, for at least one claim with evidence from a real run.
    """
    if any(one.outcome in (Outcome.REFUTED, Outcome.DISCHARGED) and not one.as_expected for one in claims):
        return Effective.REFUTED
    settled = [one for one in claims if _settled(one)]
    if not settled:
        return Effective.PROPOSED
    if len(settled) < len(claims):
        return Effective.PARTIAL_ALGORITHM_LEVEL
    real = any(one.level.rank >= Level.MEASURED.rank for one in claims)
    if real and not any(_below_level(one) for one in claims):
        return Effective.ACTIVE_RUNTIME
    return Effective.ACTIVE_ALGORITHM_LEVEL


def _contract_status(
    contract: Contract, ledger: Ledger, freshness: Freshness, world: World, remarks: Sequence[Remark]
) -> ContractStatus:
    seen = [
        (fold(claim, [_evidence(claim, case, ledger, freshness) for case in claim.cases()]), world.check(claim))
        for claim in contract.claims
    ]
    folded = tuple(wait(one, checked) for one, checked in seen)
    waiting = [remark for one, checked in seen for remark in remarks_on_waiting(one, checked)]
    soon = [expiring(one.claim, one.expires, freshness.now) for one in folded]
    supported = effective(folded)
    cap = caps(remarks, _oldest(folded))
    return ContractStatus(
        contract,
        folded,
        effective=supported.below() if cap else supported,
        supported=supported,
        cap=cap,
        remarks=(*remarks, *waiting, *filter(None, soon)),
    )


def _evidence(claim: Claim, case: Case, ledger: Ledger, freshness: Freshness) -> CaseEvidence:
    mutant = case.mutant.id if case.mutant else ""
    why = ""
    for entry in ledger.newest((claim.contract, claim.id, case.key, mutant)):
        stale = freshness.stale(entry.row, claim)
        if not stale:
            expires = expires_at(entry.row, claim)
            return CaseEvidence(case, entry.row, line=entry.number, id=entry.id, expires=expires)
        why = why or stale
        if freshness.hides_older(entry.row, claim):
            break
    return CaseEvidence(case, None, why)


def _oldest(claims: Iterable[Folded]) -> datetime | None:
    """When the oldest row that counts was begun; None if none counts, or if one does not say when."""
    rows = [one.row for claim in claims for one in claim.evidence if one.row is not None]
    begun = [started_of(row) for row in rows]
    return None if None in begun else min((one for one in begun if one is not None), default=None)


def _settled(one: Folded) -> bool:
    return one.as_expected and one.outcome in (Outcome.DISCHARGED, Outcome.REFUTED)


def _below_level(one: Folded) -> bool:
    return one.level.rank < one.claim.level.rank
