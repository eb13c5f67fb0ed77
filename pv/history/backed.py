"""Whether the promotion that a contract's status rests on is backed by the evidence that it names."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pv import git
from pv.archive import archive_of
from pv.expiry import SKEW, started_of
from pv.fold import CaseEvidence, Outcome, fold
from pv.history.transitions import BLOCK, MIN_ABBREVIATION, chronological, transitions
from pv.judge import Word
from pv.ledger import read
from pv.load import Document, load
from pv.parse import is_contract, parse
from pv.remark import Remark, Topic
from pv.source import Source
from pv.status import effective
from pv.words import Effective, Level, rung

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pv.config import Config
    from pv.fold import Folded
    from pv.history.transitions import Transition
    from pv.ledger import Entry, Ledger
    from pv.parse import Case, Claim, Contract

    Find = Callable[[str], Entry | None]

_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_HASH = re.compile(rf"[0-9a-f]{{{MIN_ABBREVIATION},64}}")
_NAMED = 3  # lines that a remark names; of more, it gives the number
CONFIRM = "`pv promote` confirms it with fresh evidence"


@dataclass(frozen=True, slots=True)
class Backing:
    """The entry that the declared status rests on, if there is one, and what keeps it from being backed."""

    move: Transition | None
    remarks: tuple[Remark, ...]

    @property
    def holds(self) -> bool:
        """Whether evidence was named and supports it."""
        return self.move is not None and not self.remarks


def backings(contracts: Iterable[Contract], config: Config, ledger: Ledger) -> dict[str, Backing]:
    """The backing of each contract by its name; git is asked only where a contract has changed since its promotion."""
    wanted = list(contracts)
    # one after the other: each archive is a file that stays open as long as it is looked into
    found = {one.name: back(one, _finder(config, one, ledger), one.claims) for one in wanted}
    doubtful = [one for one in wanted if any(remark.grave for remark in found[one.name].remarks)]
    if doubtful:
        then = _claims_then([(one, found[one.name].move) for one in doubtful], config)
        found |= {one.name: back(one, _finder(config, one, ledger), then.get(one.name)) for one in doubtful}
    return found


def back(contract: Contract, find: Find, then: Sequence[Claim] | None) -> Backing:
    """Whether the lines that the newest promotion to the declared rung names are there, sound, and support it.

    `find` gives the line of an abbreviated id; `then` are the claims of the contract as it stood at the entry, None where nobody
    can tell: then those claims count that the lines themselves name.
    """
    declared = rung(contract.status or "")
    if declared is None or declared.rank <= 0:
        return Backing(None, ())
    moves = chronological(transitions(contract))
    reached = [one for one in moves if _reaches(one, declared)]
    if not reached:
        text = f"no entry of the history promotes to {declared}"
        return Backing(None, (Remark(Topic.UNBACKED, text, help=CONFIRM),))
    move = reached[-1]
    if not move.evidence:
        # who has once named evidence knows how
        grave = any(one.evidence for one in moves[: moves.index(move)])
        return Backing(move, (_remark(move, "names no evidence", CONFIRM, grave=grave),))
    return Backing(move, tuple(_faults(contract, move, find, then)))


def _reaches(move: Transition, declared: Effective) -> bool:
    """Whether an entry brought the contract to the declared rung or beyond, or confirmed it there."""
    target = move.to_rung
    return target is not None and target.rank >= declared.rank and (move.promotes or bool(move.evidence))


def _faults(contract: Contract, move: Transition, find: Find, then: Sequence[Claim] | None) -> Iterable[Remark]:
    odd = [one for one in _named_evidence(contract, move) if not _HASH.fullmatch(one)]
    if odd:
        what = f"names {_listed(map(repr, odd))}, which is no hash of a line of evidence"
        yield _remark(move, what, f"{MIN_ABBREVIATION} to 64 hex digits, in quotes")
        return
    lines = {name: find(name) for name in move.evidence}
    absent = [name for name, line in lines.items() if line is None]
    if absent:
        what = f"{len(absent)} of {len(lines)} evidence lines are nowhere here: {_listed(absent)}"
        yield _remark(move, what, "commit the archive that `pv promote` wrote, or promote again with fresh evidence")
        return
    entries = [line for line in lines.values() if line is not None]
    wrong = [(line, why) for line in entries if (why := _wrong(line.row, contract.name, move))]
    if wrong:
        line, why = wrong[0]
        more = f"; so with {len(wrong) - 1} more" if len(wrong) > 1 else ""
        yield _remark(move, f"evidence line {line.id[:MIN_ABBREVIATION]} {why}{more}", CONFIRM)
        return
    rows = [line.row for line in entries]
    supported, why = _of_rows(rows) if then is None else _of_claims(then, rows)
    if move.to_rung and supported.rank < move.to_rung.rank:
        yield _remark(move, f"its evidence supports no more than {supported}: {why}", CONFIRM)
    elif then is None:
        what = f"git does not have the contract at commit {move.commit or '?'}; only the claims named by its evidence were judged"
        yield _remark(move, what, CONFIRM, grave=False)


def _wrong(row: Mapping[str, Any], contract: str, move: Transition) -> str:
    """Why a row cannot be evidence of an entry."""
    if row.get("kind") != "case":
        return f"says nothing of a case: it is of kind {row.get('kind')}"
    if row["contract"] != contract:
        return f"is of another contract, {row['contract']}"
    time = started_of(row)
    if time is None:
        return "does not say when it was seen"
    if move.ends is not None and time - move.ends > SKEW:
        return f"was seen later than the entry says, {time.isoformat(timespec='seconds')}"
    if row.get("dirty") is not False or not isinstance(row.get("commit"), str):
        return "was not seen at a commit: the tree had changes that are nowhere kept"
    return ""


def _of_claims(claims: Sequence[Claim], rows: Sequence[Mapping[str, Any]]) -> tuple[Effective, str]:
    """The rung that rows support for these claims, each by its own fingerprint, and what stands in the way of more."""
    newest = {(row["claim"], row["params"], row["mutant"], row["fingerprint"]): row for row in sorted(rows, key=seen)}
    others = {row["claim"] for row in rows} - {claim.id for claim in claims}
    if others:
        return Effective.PROPOSED, f"it names claims that the contract did not have: {_listed(sorted(others))}"
    folded = [fold(claim, [_case(claim, case, newest) for case in claim.cases()]) for claim in claims]
    supported = effective(folded)
    lacking = [why for one in folded if (why := _lacks(one))]
    return supported, "; ".join(lacking[:_NAMED]) or "no claim was seen on a real run"


def _case(claim: Claim, case: Case, newest: Mapping[tuple[str, str, str, str], Mapping[str, Any]]) -> CaseEvidence:
    mutant = case.mutant.id if case.mutant else ""
    return CaseEvidence(case, newest.get((claim.id, case.key, mutant, claim.fingerprint)))


def _lacks(one: Folded) -> str:
    if one.as_expected and one.outcome in (Outcome.DISCHARGED, Outcome.REFUTED):
        below = one.level.rank < one.claim.level.rank
        return f"{one.claim.id}: level {one.level}, {one.claim.level} asked" if below else ""
    why = ": ".join(filter(None, (str(one.outcome), one.reason, one.detail)))
    return f"{one.claim.id}: {why}"


def _of_rows(rows: Sequence[Mapping[str, Any]]) -> tuple[Effective, str]:
    """The rung that rows support for the claims that they name, where nobody can tell which others there were."""
    claims: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        claims.setdefault(row["claim"], []).append(row)
    open_ = sorted(name for name, of_claim in claims.items() if not _settled(of_claim))
    if len(open_) == len(claims):
        return Effective.PROPOSED, _listed(open_)
    if open_:
        return Effective.PARTIAL_ALGORITHM_LEVEL, _listed(open_)
    real = any(Level(row["level"]).rank >= Level.MEASURED.rank for row in rows if not row["mutant"])
    return (Effective.ACTIVE_RUNTIME if real else Effective.ACTIVE_ALGORITHM_LEVEL), "no claim was seen on a real run"


def _settled(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether all rows of a claim say what it expects of them, and one of them that its falsifier can fail."""
    plain = [row for row in rows if not row["mutant"]]
    mutants = [row for row in rows if row["mutant"]]
    return (
        bool(plain)
        and bool(mutants)
        and all(row["verdict"] == row.get("expect", Word.DISCHARGED) for row in plain)
        and all(row["verdict"] == Word.KILLED for row in mutants)
    )


def _finder(config: Config, contract: Contract, ledger: Ledger) -> Find:
    """Looks for a line in the contract's archive, then in the ledger; both are read when they are first needed."""

    @functools.cache
    def archive() -> Ledger:
        return read(archive_of(config, contract.name))

    @functools.cache
    def find(name: str) -> Entry | None:
        return archive().find(name) or ledger.find(name)

    return find


def _claims_then(
    doubtful: Iterable[tuple[Contract, Transition | None]], config: Config
) -> dict[str, tuple[Claim, ...]]:
    """The claims of each contract at the commit that its promotion names; contracts of which git cannot tell are left out."""
    try:
        repository = git.repository(config.root)
        if repository is None:
            return {}
        names = {}
        for one, move in doubtful:
            path = (config.root / one.path).resolve()
            if move and _COMMIT.fullmatch(move.commit) and path.is_relative_to(repository.top):
                names[f"{move.commit}:{path.relative_to(repository.top).as_posix()}"] = one
        found = git.blobs(repository.top, names)
    except git.GitProblem:
        return {}
    claims = {names[name].name: claims_in(raw, names[name]) for name, raw in found.items()}
    return {name: one for name, one in claims.items() if one is not None}


def claims_in(raw: bytes, contract: Contract) -> tuple[Claim, ...] | None:
    """The claims of another version of a contract's file; None if it cannot be read."""
    try:
        document = load(Source(contract.path, raw.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return None
    if not isinstance(document, Document) or not is_contract(document):
        return None
    return parse(document, contract.name).claims


def _named_evidence(contract: Contract, move: Transition) -> list[str]:
    """What an entry gives as evidence, as it stands."""
    evidence = contract.document.data[BLOCK][move.index].get("evidence")
    return [str(one) for one in (evidence if isinstance(evidence, list) else [evidence])]


def seen(row: Mapping[str, Any]) -> datetime:
    """When a row was seen; what does not say so, before all others."""
    return started_of(row) or datetime.min.replace(tzinfo=UTC)


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    rest = len(listed) - _NAMED
    return ", ".join(listed[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _remark(move: Transition, what: str, fix: str, *, grave: bool = True) -> Remark:
    text = f"the promotion to {move.target} of {move.date}: {what}"
    return Remark(Topic.UNBACKED, text, grave=grave, span=move.span, help=fix)
