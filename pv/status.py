"""The status that fresh evidence supports, computed and held against the one declared."""

from __future__ import annotations

from dataclasses import dataclass, field
from errno import EINVAL
from os.path import normpath
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pv.deciders import deciders, name_of
from pv.digest import sha256
from pv.fold import CaseEvidence, Folded, Outcome, fold
from pv.words import Effective, Level, rung

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

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


class Freshness:
    """Tells which rows still rest on what is there now; every file and folder is hashed once."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._root = config.root.resolve()
        self._falsifiers = [folder.resolve() for folder in config.falsifiers]
        self._digests: dict[Path, str | OSError] = {}
        self._deciders: dict[Path, dict[str, str]] = {}

    def stale(self, row: Mapping[str, Any], claim: Claim) -> str:
        """Why a row counts for nothing any more; empty if it is fresh."""
        if row.get("fingerprint") != claim.fingerprint:
            return "the claim has changed since"
        inputs, falsifier = row.get("inputs"), row.get("falsifier")
        entries = [entry for entry in inputs if isinstance(entry, dict)] if isinstance(inputs, list) else []
        if isinstance(falsifier, dict):
            if not self._is_falsifier(str(falsifier.get("path"))):
                return f"falsifier {falsifier.get('path')} is in no folder of falsifiers"
            entries = [{"kind": "falsifier", **falsifier}, *entries]
        have = {str(entry.get("path")) for entry in entries}
        lacking = [f"{kind} {name}" for name, kind in self._needed(claim).items() if name not in have]
        if lacking:
            return f"{lacking[0]} was not there when it ran"
        return next(filter(None, map(self._differs, entries)), "")

    def _needed(self, claim: Claim) -> dict[str, str]:
        """The code that evidence for a claim must rest on, by name."""
        path = self._config.root / claim.path
        if path not in self._deciders:
            self._deciders[path] = {name_of(one, self._root): kind for kind, one in deciders(self._config, path)}
        return self._deciders[path]

    def _differs(self, entry: Mapping[str, Any]) -> str:
        name = str(entry.get("path"))
        what = f"{entry.get('kind')} {name}"
        now = self._digest(Path(normpath(self._root / name)))
        if isinstance(now, FileNotFoundError):
            return f"{what} is missing"
        if isinstance(now, OSError):
            return f"{what} cannot be read: {now.strerror or now}"
        return "" if now == entry.get("sha256") else f"{what} has changed since"

    def _digest(self, path: Path) -> str | OSError:
        if path not in self._digests:
            self._digests[path] = self._hashed(path)
        return self._digests[path]

    def _hashed(self, path: Path) -> str | OSError:
        """The digest of a file or of a folder that is ours; what else stands there could be of any size."""
        try:
            absolute = path.resolve()
            ours = absolute in self._falsifiers or (absolute != self._root and absolute.is_relative_to(self._root))
            if absolute.is_dir() and not ours:
                return OSError(EINVAL, "a folder that is not below the root of the project")
            return sha256(path)
        except OSError as problem:
            return problem
        except (ValueError, RuntimeError) as problem:  # a name that no file can have; links in a circle
            return OSError(EINVAL, str(problem))

    def _is_falsifier(self, name: str) -> bool:
        path = Path(normpath(self._root / name))
        return any(path.is_relative_to(folder) for folder in self._falsifiers)


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
