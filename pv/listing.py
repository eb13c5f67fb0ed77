"""The claims of a project, each with what is bound to it, and falsifiers that are bound to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pv.bind import Binding
from pv.commandline import kind_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pv.parse import Contract
    from pv.written import Written


@dataclass(frozen=True, slots=True)
class Listed:
    """A claim, and where it stands; or an orphaned falsifier, under the names that it gives, and where that stands.

    `declared` is the status of the contract, `cases` how many runs the claim asks for beside those on its mutants.
    """

    contract: str
    claim: str
    level: str
    declared: str
    params: tuple[str, ...]
    cases: int
    mutants: int
    binding: Binding
    test: str
    falsifiers: tuple[Written, ...]
    path: str
    line: int
    col: int


def binding_of(falsifiers: Sequence[Written]) -> Binding:
    """How a claim stands that this many falsifiers name."""
    return {0: Binding.UNBOUND, 1: Binding.BOUND}.get(len(falsifiers), Binding.DUPLICATE)


def listing(
    contracts: Iterable[Contract], falsifiers: Mapping[tuple[str, str], Sequence[Written]], *, strays: bool
) -> Iterator[Listed]:
    """Every claim, contract by contract, with the orphaned falsifiers of the contract after its claims.

    With `strays`, falsifiers of contracts that are none of these come last: right where these are all there are.
    """
    names = set()
    for contract in contracts:
        names.add(contract.name)
        for claim in contract.claims:
            found = tuple(falsifiers.get((contract.name, claim.id), ()))
            yield Listed(
                contract.name,
                claim.id,
                str(claim.level),
                contract.status or "",
                tuple(claim.params),
                sum(case.mutant is None for case in claim.cases()),
                len(claim.mutants),
                binding_of(found),
                str(kind_of(claim.test)),
                found,
                claim.path,
                claim.span.line,
                claim.span.col,
            )
        told = {claim.id for claim in contract.claims}
        for (name, claim_id), several in falsifiers.items():
            if name == contract.name and claim_id not in told:
                yield from map(_orphan, several)
    for (name, _), several in falsifiers.items() if strays else ():
        if name not in names:
            yield from map(_orphan, several)


def _orphan(one: Written) -> Listed:
    where = one.path, one.line, 1
    return Listed(one.contract, one.claim, "-", "", (), 0, 0, Binding.ORPHANED, str(kind_of("")), (one,), *where)
