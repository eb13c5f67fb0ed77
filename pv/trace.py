"""The traceability matrix: from equation to claim, to falsifier, to mutants, to evidence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pv.bind import Binding
from pv.fold import Outcome
from pv.matrix import killed
from pv.written import Written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pv.fold import CaseEvidence, Folded
    from pv.ledger import Ledger
    from pv.matrix import Cell
    from pv.parse import Claim, Contract, Equation
    from pv.status import ContractStatus
    from pv.types import Span

OBLIGATIONS = "proof_obligations"
_ALL = "all"  # what `applies_to` says where an obligation is about every equation


@dataclass(frozen=True, slots=True)
class Quoted:
    """A line of the ledger: the case, the mutant if it is one's, the line's id, what it says, and why it counts no more."""

    case: str
    mutant: str
    id: str
    verdict: str
    level: str
    stale: str = ""


@dataclass(frozen=True, slots=True)
class TracedClaim:
    """A claim with its falsifiers and the newest line of each of its cases."""

    folded: Folded
    falsifiers: tuple[Written, ...]
    evidence: tuple[Quoted, ...]

    @property
    def binding(self) -> Binding:
        """Whether exactly one falsifier tries to refute the claim."""
        return {0: Binding.UNBOUND, 1: Binding.BOUND}.get(len(self.falsifiers), Binding.DUPLICATE)

    @property
    def covers(self) -> bool:
        """Whether what the claim says of its equation was seen to hold by something that was seen to notice when it does not."""
        one = self.folded
        return one.outcome is Outcome.DISCHARGED and one.as_expected and killed(one.cells) > 0


@dataclass(frozen=True, slots=True)
class TracedEquation:
    """An equation and the claims that bind to it."""

    equation: Equation
    claims: tuple[TracedClaim, ...]

    @property
    def covered(self) -> bool:
        """Whether a claim that binds to it was discharged by a falsifier that killed a mutant."""
        return any(one.covers for one in self.claims)

    @property
    def why_not(self) -> str:
        """What is missing, in words; empty if it is covered."""
        if self.covered:
            return ""
        told = [f"{one.folded.claim.id} {one.folded.outcome}" for one in self.claims]
        return ", ".join(told) or "no claim binds to it"


@dataclass(frozen=True, slots=True)
class Obligation:
    """A proof obligation, and the claims that test it."""

    text: str
    applies_to: str
    span: Span
    tested_by: tuple[str, ...]


@dataclass(frozen=True)
class TracedContract:
    """One contract, taken apart along its equations."""

    contract: Contract
    equations: tuple[TracedEquation, ...]
    loose: tuple[TracedClaim, ...]
    obligations: tuple[Obligation, ...]

    @cached_property
    def claims(self) -> tuple[TracedClaim, ...]:
        """Every claim, those of equations first."""
        return (*(one for equation in self.equations for one in equation.claims), *self.loose)


@dataclass(frozen=True)
class Matrix:
    """All contracts, and what stood in the way of reading them."""

    contracts: tuple[TracedContract, ...]
    problems: tuple[str, ...] = ()

    @cached_property
    def equations(self) -> tuple[TracedEquation, ...]:
        """Every equation."""
        return tuple(one for contract in self.contracts for one in contract.equations)

    @cached_property
    def claims(self) -> tuple[TracedClaim, ...]:
        """Every claim."""
        return tuple(one for contract in self.contracts for one in contract.claims)

    @cached_property
    def obligations(self) -> tuple[Obligation, ...]:
        """Every proof obligation."""
        return tuple(one for contract in self.contracts for one in contract.obligations)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every mutant of every claim."""
        return tuple(cell for one in self.claims for cell in one.folded.cells)

    @property
    def gaps(self) -> bool:
        """Whether an equation is not covered, an obligation not tested, or a claim without its one falsifier."""
        return (
            any(not one.covered for one in self.equations)
            or any(not one.tested_by for one in self.obligations)
            or any(one.binding is not Binding.BOUND for one in self.claims)
        )


def trace(
    statuses: Iterable[ContractStatus],
    falsifiers: Mapping[tuple[str, str], Sequence[Written]],
    ledger: Ledger,
    problems: Iterable[str] = (),
) -> Matrix:
    """Put together what is known of each equation.

    `falsifiers` are those in the source. Of a claim that none of them names, fresh evidence may still say which one ran: a
    name that is computed cannot be read.
    """
    return Matrix(tuple(_contract(one, falsifiers, ledger) for one in statuses), tuple(problems))


def _contract(
    status: ContractStatus, falsifiers: Mapping[tuple[str, str], Sequence[Written]], ledger: Ledger
) -> TracedContract:
    contract = status.contract
    claims = [_claim(one, falsifiers.get((one.claim.contract, one.claim.id), ()), ledger) for one in status.claims]
    equations = tuple(
        TracedEquation(equation, tuple(one for one in claims if one.folded.claim.equation == name))
        for name, equation in contract.equations.items()
    )
    loose = tuple(one for one in claims if one.folded.claim.equation is None)
    return TracedContract(contract, equations, loose, tuple(_obligations(contract)))


def _claim(one: Folded, found: Sequence[Written], ledger: Ledger) -> TracedClaim:
    evidence = tuple(_quoted(one, case, ledger) for case in one.evidence)
    return TracedClaim(one, tuple(found) or _that_ran(one), tuple(quoted for quoted in evidence if quoted is not None))


def _that_ran(one: Folded) -> tuple[Written, ...]:
    """The falsifier that fresh evidence names."""
    for case in one.evidence:
        ran = case.row.get("falsifier") if case.row else None
        if isinstance(ran, dict):
            line = ran.get("line")
            where = str(ran.get("path")), line if isinstance(line, int) else 1, str(ran.get("qualname") or "?")
            return (Written(one.claim.contract, one.claim.id, *where),)
    return ()


def _quoted(one: Folded, case: CaseEvidence, ledger: Ledger) -> Quoted | None:
    """The line that counts for a case; of a case that is stale, the newest one."""
    row, name = case.row, case.id
    mutant = case.case.mutant.id if case.case.mutant else ""
    if row is None:
        newest = next(iter(ledger.newest((one.claim.contract, one.claim.id, case.case.key, mutant))), None)
        if newest is None:
            return None
        row, name = newest.row, newest.id
    return Quoted(case.case.label, mutant, name, str(row["verdict"]), str(row.get("level") or ""), case.stale)


def _obligations(contract: Contract) -> list[Obligation]:
    entries = contract.document.data.get(OBLIGATIONS)
    found = []
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            text = str(entry.get("property") or entry.get("formal") or entry.get("id") or "")
            span = contract.document.value_span(OBLIGATIONS, index)
            about = str(entry.get("applies_to") or "")
            found.append(Obligation(" ".join(text.split()), about, span, _tested_by(contract, entry)))
    return found


def _tested_by(contract: Contract, entry: Mapping[str, Any]) -> tuple[str, ...]:
    """The claims that test an obligation: those that name its id, and those that bind to the equation it applies to.

    A claim that is executable as it stands tests what it runs, and nothing else.

    One that applies to all equations, or does not say to which, is tested where each of them has a claim. One that applies to
    something that is no equation is tested by nobody who does not name it.
    """
    name, about = entry.get("id"), entry.get("applies_to")
    others = [one for one in contract.claims if one.executable is None or one.executable.obligation is entry]
    named = _naming(others, name) if isinstance(name, str) and name else ()
    bound = {one.equation for one in contract.claims if one.equation is not None}
    if about in (_ALL, None, ""):
        everything = bool(bound) and bound == set(contract.equations)
        return named or tuple(one.id for one in others if everything and one.equation is not None)
    return (*named, *(one.id for one in others if one.equation == about and one.id not in named))


def _naming(claims: Iterable[Claim], name: str) -> tuple[str, ...]:
    word = re.compile(rf"(?<![\w-]){re.escape(name)}(?![\w-])")
    return tuple(
        one.id for one in claims if any(word.search(text) for text in one.data.values() if isinstance(text, str))
    )
