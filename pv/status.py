"""The status that fresh evidence supports, computed and held against the one declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pv.fold import CaseEvidence, Folded, Outcome, fold
from pv.freshness import Freshness
from pv.words import Effective, Level, rung

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pv.config import Config
    from pv.parse import Case, Claim, Contract

Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class ContractStatus:
    """What is known about one contract."""

    contract: Contract
    claims: tuple[Folded, ...]
    effective: Effective

    @property
    def declared(self) -> Effective | None:
        """The rung of the ladder that the author declares; None where he declares none."""
        return None if self.contract.status is None else rung(self.contract.status)

    @property
    def overstated(self) -> bool:
        """Whether more is declared than the evidence supports."""
        return self.declared is not None and self.declared.rank > self.effective.rank

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

    @property
    def claims(self) -> tuple[Folded, ...]:
        """Every claim of every contract."""
        return tuple(one for contract in self.contracts for one in contract.claims)

    @property
    def red(self) -> bool:
        """Whether any claim contradicts what is expected of it."""
        return any(one.contradicts for one in self.claims)

    @property
    def overstated(self) -> bool:
        """Whether any contract declares more than its evidence supports."""
        return any(contract.overstated for contract in self.contracts)


def compute(
    contracts: Iterable[Contract], rows: Sequence[Mapping[str, Any]], config: Config
) -> tuple[ContractStatus, ...]:
    """The status of each contract: for each case of each claim the newest fresh row counts."""
    by_key: dict[Key, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_key.setdefault((row["contract"], row["claim"], row["params"], row["mutant"]), []).append(row)
    freshness = Freshness(config)
    return tuple(_contract_status(contract, by_key, freshness) for contract in contracts)


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
    contract: Contract, by_key: Mapping[Key, Sequence[Mapping[str, Any]]], freshness: Freshness
) -> ContractStatus:
    folded = tuple(
        fold(claim, [_evidence(claim, case, by_key, freshness) for case in claim.cases()]) for claim in contract.claims
    )
    return ContractStatus(contract, folded, effective(folded))


def _evidence(
    claim: Claim, case: Case, by_key: Mapping[Key, Sequence[Mapping[str, Any]]], freshness: Freshness
) -> CaseEvidence:
    mutant = case.mutant.id if case.mutant else ""
    why = ""
    for row in reversed(by_key.get((claim.contract, claim.id, case.key, mutant), ())):
        stale = freshness.stale(row, claim)
        if not stale:
            return CaseEvidence(case, row)
        why = why or stale
    return CaseEvidence(case, None, why)


def _settled(one: Folded) -> bool:
    return one.as_expected and one.outcome in (Outcome.DISCHARGED, Outcome.REFUTED)


def _below_level(one: Folded) -> bool:
    return one.level.rank < one.claim.level.rank
