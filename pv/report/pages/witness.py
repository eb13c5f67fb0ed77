"""What the evidence says that a contract's newest promotion names: the same in every checkout, whatever the ledger there holds."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pv.archive import archive_of
from pv.fold import CaseEvidence, fold
from pv.history.backed import back, seen
from pv.ledger import read
from pv.matrix import killed
from pv.report.summary import settled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pv.config import Config
    from pv.fold import Folded
    from pv.history.transitions import Transition
    from pv.matrix import Cell
    from pv.parse import Case, Claim, Contract

_HASH = re.compile(r"[0-9a-f]{16,64}")
CHANGED = "the claim has been changed since"


@dataclass(frozen=True)
class Witness:
    """A contract with what was seen of its claims when it was promoted.

    Attributes:
        contract: as it stands.
        move: the promotion; None where there was none.
        claims: each with the evidence that the promotion names.
        date: of the newest evidence, as 2026-11-22; empty where there is none.
        commits: at which it was seen, abbreviated, newest first.
    """

    contract: Contract
    move: Transition | None
    claims: tuple[Folded, ...]
    date: str
    commits: tuple[str, ...]

    @property
    def promoted(self) -> bool:
        """Whether there is any evidence to speak of."""
        return bool(self.date)

    @property
    def settled(self) -> int:
        """How many claims came out as their author expects."""
        return sum(map(settled, self.claims))

    @property
    def cells(self) -> list[Cell]:
        """Every mutant under every claim."""
        return [cell for claim in self.claims for cell in claim.cells]

    @property
    def killed(self) -> int:
        """How many mutants were refuted where they were planted."""
        return killed(self.cells)

    @property
    def tone(self) -> str:
        """The class of a page about it."""
        if any(one.contradicts for one in self.claims if one.evidence and any(case.row for case in one.evidence)):
            return "wrong"
        if not self.promoted:
            return "nothing-measured"
        return "good" if self.settled == len(self.claims) else "open"


def witness(contract: Contract, config: Config) -> Witness:
    """What is known of a contract by the evidence that its newest promotion names.

    Raises:
        UsageProblem: the archive is there and cannot be read.
    """
    archive = read(archive_of(config, contract.name))

    def find(name: str) -> Any:
        return archive.find(name) if _HASH.fullmatch(name) else None

    move = back(contract, find, contract.claims).move
    found = [find(name) for name in move.evidence] if move is not None else []
    rows = sorted((one.row for one in found if one is not None and one.row.get("kind") == "case"), key=seen)
    folded = tuple(fold(claim, [_case(claim, case, rows) for case in claim.cases()]) for claim in contract.claims)
    used = [case.row for one in folded for case in one.evidence if case.row is not None]
    used.sort(key=seen, reverse=True)
    commits = dict.fromkeys(str(row.get("commit") or "")[:7] for row in used)
    return Witness(contract, move, folded, date_of(used[0]) if used else "", tuple(filter(None, commits)))


def date_of(row: Mapping[str, Any]) -> str:
    """The day on which a row was seen."""
    return str(row.get("started") or "")[:10]


def _case(claim: Claim, case: Case, rows: Sequence[Mapping[str, Any]]) -> CaseEvidence:
    """The newest row of a case; one of another wording of the claim says nothing of this one."""
    mutant = case.mutant.id if case.mutant else ""
    wanted = (claim.id, case.key, mutant)
    found = [row for row in rows if (row["claim"], row["params"], row["mutant"]) == wanted]
    same = [row for row in found if row["fingerprint"] == claim.fingerprint]
    if same:
        return CaseEvidence(case, same[-1])
    return CaseEvidence(case, stale=CHANGED if found else "")
