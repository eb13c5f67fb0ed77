"""Whether a pipeline may go on: what contradicts a declaration, and what has not been measured."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pv.fold import Folded, Outcome
from pv.matrix import MISSED
from pv.since import against_expectation, measured
from pv.status import effective
from pv.words import Effective, Level, rung

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pv.changes import ClaimRef, Since
    from pv.parse import Contract
    from pv.status import ContractStatus, Report

PASSED, FAILED, NOT_MEASURED = 0, 1, 2


class Kind(StrEnum):
    """Why the gate is shut."""

    REFUTED = "refuted"
    DISCHARGED = "discharged against expectation"
    NEWLY_EXPECTED = "newly refuted"
    ERROR = "error"
    SURVIVED = "mutant missed"
    OVERSTATED = "declared above effective"
    REMARK = "grave"
    CHAIN = "ledger changed"
    BELOW = "below what is required"
    NO_LEDGER = "no ledger"
    NO_CLAIMS = "no claims"
    NOTHING = "nothing measured"
    NO_BASE = "no base"
    LOST = "no longer measured"
    REMOVED = "removed"
    UNUSABLE = "unusable"


_UNKNOWN = frozenset(
    {Kind.NO_LEDGER, Kind.NO_CLAIMS, Kind.NOTHING, Kind.NO_BASE, Kind.LOST, Kind.REMOVED, Kind.UNUSABLE}
)


_MEASURED = frozenset({Outcome.DISCHARGED, Outcome.REFUTED})


@dataclass(frozen=True, slots=True)
class Demand:
    """What is asked for beyond that nothing contradicts: a rung that every contract reaches, or a level that every claim does."""

    require: Effective | Level | None = None
    no_new_refutations: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that keeps the gate shut, and where it stands."""

    kind: Kind
    text: str
    path: str
    line: int = 1
    col: int = 1
    contract: str = ""
    claim: str = ""

    @property
    def code(self) -> int:
        """The exit code that it makes by itself."""
        return NOT_MEASURED if self.kind in _UNKNOWN else FAILED


@dataclass(frozen=True)
class Gate:
    """The reasons that keep the gate shut, and the refutations that were let through because the base has them as well."""

    reasons: tuple[Reason, ...]
    old: tuple[Folded, ...] = ()

    @property
    def code(self) -> int:
        """0 open, 1 a contradiction, 2 not measured. A contradiction that was seen counts, whatever else is not known."""
        return min((reason.code for reason in self.reasons), default=PASSED)


def judge(report: Report, demand: Demand) -> Gate:
    """All reasons that a report gives to stop; with `no_new_refutations`, those of the comparison with the base as well."""
    old = tuple(_old(report)) if demand.no_new_refutations else ()
    excused = {(one.claim.contract, one.claim.id) for one in old}
    reasons: list[Reason] = []
    for status in report.contracts:
        reasons += _of_claims(status, excused)
        reasons += _of_contract(status, report, demand, excused)
    nothing = list(_of_measuring(report))
    if nothing:  # what is declared or required is not contradicted then: nobody has looked
        reasons = [one for one in reasons if one.kind not in (Kind.OVERSTATED, Kind.BELOW)]
    reasons += [*_of_ledger(report), *nothing]
    reasons += [Reason(Kind.UNUSABLE, headline, "") for headline in report.unusable]
    lost = report.since is not None and not report.since.commit
    if demand.no_new_refutations or lost:
        reasons += _of_base(report)
    return Gate(tuple(reasons), old)


def require(word: str) -> Effective | Level:
    """The rung or the level that a user asks for.

    Raises:
        ValueError: it is neither, or the rung of refuted contracts.
    """
    if word.lower() in list(Level):
        return Level(word.lower())
    if word.upper() in set(Effective) - {Effective.REFUTED}:
        return Effective(word.upper())
    known = ", ".join([*Level, *(one for one in Effective if one is not Effective.REFUTED)])
    raise ValueError(f"{word!r} is neither a level of evidence nor a status; one of {known}")


def _old(report: Report) -> Iterator[Folded]:
    """The claims against expectation that were so at the base."""
    since = report.since
    if since is None or not since.measured:
        return
    new = {(one.contract, one.claim) for one in since.newly_refuted}
    for one in report.claims:
        if against_expectation(one) and (one.claim.contract, one.claim.id) not in new:
            yield one


def _of_claims(status: ContractStatus, excused: set[tuple[str, str]]) -> Iterator[Reason]:
    for one in status.claims:
        name = one.claim.id
        if one.outcome is Outcome.ERROR:
            yield _at(one, Kind.ERROR, f"{name}: {one.detail}")
        elif against_expectation(one) and (one.claim.contract, name) not in excused:
            kind = Kind.REFUTED if one.outcome is Outcome.REFUTED else Kind.DISCHARGED
            yield _at(one, kind, f"{name}: {one.detail}")
        for cell in one.cells:
            if cell.fate in MISSED:
                yield _at(one, Kind.SURVIVED, f"{name}: mutant {cell.mutant.id} {cell.fate}: {cell.message}")


def _of_contract(
    status: ContractStatus, report: Report, demand: Demand, excused: set[tuple[str, str]]
) -> Iterator[Reason]:
    contract = status.contract
    reached = _without(status, excused)
    declared = status.declared
    # what is declared above an old refutation is old as well, unless more is declared than at the base
    above = status.effective if _raised(status, report) else reached
    if declared is not None and declared.rank > above.rank:
        lacking = ", ".join(one.claim.id for one in status.lacking) or "it has none"
        text = f"{contract.name}: declared {contract.status}, effective {above}: claims {lacking}"
        span = contract.document.value_span(*_status_key(contract))
        yield Reason(Kind.OVERSTATED, text, contract.path, span.line, span.col, contract.name)
    for remark in status.remarks:
        if remark.grave:
            text = f"{contract.name}: {remark.text}" if not remark.claim else remark.told
            at = contract.path, remark.span.line, remark.span.col
            yield Reason(Kind.REMARK, text, *at, contract=contract.name, claim=remark.claim)
    if isinstance(demand.require, Effective) and reached.rank < demand.require.rank:
        text = f"{contract.name}: effective {reached}, required {demand.require}"
        yield Reason(Kind.BELOW, text, contract.path, contract=contract.name)
    elif isinstance(demand.require, Level):
        yield from _below_level(status, demand.require, excused)


def _status_key(contract: Contract) -> tuple[str, ...]:
    return ("status",) if "status" in contract.document.data else ("metadata", "status")


def _raised(status: ContractStatus, report: Report) -> bool:
    """Whether the contract declares more than at the base; a word that stands for no rung counts as less than any."""
    for one in report.since.moved if report.since else ():
        if one.what == "declared" and one.contract == status.contract.name:
            before, now = rung(one.before), rung(one.now)
            return before is None or now is None or now.rank > before.rank
    return False


def _below_level(status: ContractStatus, level: Level, excused: set[tuple[str, str]]) -> Iterator[Reason]:
    """The claims that are not settled by evidence of this level; a contract without claims has none that is."""
    contract = status.contract
    if not status.claims:
        yield Reason(Kind.BELOW, f"{contract.name}: no claim at level {level}", contract.path, contract=contract.name)
    for one in status.claims:
        if (one.claim.contract, one.claim.id) in excused or one.contradicts:
            continue  # the contradiction is a reason of its own
        if not (measured(one) and one.as_expected):
            yield _at(one, Kind.BELOW, f"{one.claim.id}: {_why(one)}; level {level} is required")
        elif one.level.rank < level.rank:
            yield _at(one, Kind.BELOW, f"{one.claim.id}: evidence of level {one.level}; {level} is required")


def _without(status: ContractStatus, excused: set[tuple[str, str]]) -> Effective:
    """The effective status, had the claims that are excused come out as expected."""
    if not any((one.claim.contract, one.claim.id) in excused for one in status.claims):
        return status.effective
    mended = [
        replace(one, outcome=Outcome.DISCHARGED, as_expected=True, level=max(one.level, one.claim.level, key=_rank))
        if (one.claim.contract, one.claim.id) in excused
        else one
        for one in status.claims
    ]
    supported = effective(mended)
    return supported.below() if status.cap else supported


def _of_ledger(report: Report) -> Iterator[Reason]:
    if report.broken:
        text = "its lines are not chained as they were written; `pv verify` says where"
        yield Reason(Kind.CHAIN, text, str(report.ledger))
    for remark in report.remarks:
        if remark.grave:
            yield Reason(Kind.REMARK, remark.text, "")


def _of_measuring(report: Report) -> Iterator[Reason]:
    """Why nothing is known: then nothing is wrong either, and nothing right."""
    if not report.claims:
        for status in report.contracts:
            text = f"{status.contract.name}: no claim that anything could refute"
            yield Reason(Kind.NO_CLAIMS, text, status.contract.path, contract=status.contract.name)
    elif not report.ledger_exists:
        yield Reason(Kind.NO_LEDGER, "there is none; `pytest -m falsify` writes it", str(report.ledger))
    elif not any(measured(one) or one.outcome is Outcome.ERROR for one in report.claims):
        for status in report.contracts:
            reasons = Counter(one.reason or "no reason given" for one in status.claims)
            told = ", ".join(f"{number} {reason}" for reason, number in sorted(reasons.items())) or "it has none"
            text = f"{status.contract.name}: 0 of {len(status.claims)} claims: {told}"
            yield Reason(Kind.NOTHING, text, status.contract.path, contract=status.contract.name)


def _of_base(report: Report) -> Iterator[Reason]:
    since = report.since
    if since is None or not since.measured:
        why = "no commit to compare with was named" if since is None else since.why_not
        ref = since.ref if since else ""
        yield Reason(Kind.NO_BASE, f"nothing can be called new since {ref or 'nowhere'}: {why}", str(report.ledger))
        return
    known = {(one.claim.contract, one.claim.id): one for one in report.claims}
    for ref_ in since.newly_refuted:
        one = known[ref_.contract, ref_.claim]
        if not against_expectation(one):
            text = f"{ref_.claim}: {ref_.before} at {since.ref}, and a refutation is expected now"
            yield _at(one, Kind.NEWLY_EXPECTED, text)
    for ref_ in (*since.newly_inconclusive, *since.newly_stale):
        one = known[ref_.contract, ref_.claim]
        yield _at(one, Kind.LOST, f"{ref_.claim}: {ref_.before} at {since.ref}, and now {_why(one)}")
    for ref_ in _vanished(since):
        text = f"{ref_.claim}: {ref_.before} at {since.ref}, and gone without an entry in the history of its contract"
        yield Reason(Kind.REMOVED, text, ref_.path, ref_.line, 1, ref_.contract, ref_.claim)


def _vanished(since: Since) -> Iterator[ClaimRef]:
    """The claims that were measured and are gone, of which no history says why, and which did not move to another contract."""
    moved = {one.claim for one in since.added if one.now in _MEASURED}
    for one in since.removed:
        if one.before in _MEASURED and not one.text and one.claim not in moved:
            yield one


def _at(one: Folded, kind: Kind, text: str) -> Reason:
    claim = one.claim
    return Reason(kind, text, claim.path, claim.span.line, claim.span.col, claim.contract, claim.id)


def _why(one: Folded) -> str:
    return ": ".join(filter(None, (str(one.outcome), one.reason, one.detail)))


def _rank(level: Level) -> int:
    return level.rank
