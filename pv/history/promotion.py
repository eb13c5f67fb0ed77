"""What a promotion rests on, and the entry that is written into a contract's history for it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pv import git
from pv.archive import ABBREVIATED
from pv.expiry import SKEW, started_of
from pv.fold import Outcome
from pv.history.backed import claims_in, seen
from pv.matrix import killed
from pv.words import Effective

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pv.fold import CaseEvidence, Folded
    from pv.parse import Claim, Contract
    from pv.status import ContractStatus

_NAMED = 5


def counted(one: ContractStatus) -> tuple[CaseEvidence, ...]:
    """The rows that the claims which came out as expected rest on, mutants included."""
    return tuple(case for claim in _settled(one) for case in claim.evidence if case.row is not None)


def unsound(rows: Iterable[CaseEvidence], ancestors: frozenset[str], now: datetime) -> list[str]:
    """Why rows cannot back a promotion, each reason once, with the claims that it concerns.

    `ancestors` are the commits that HEAD builds upon, itself included.
    """
    found: dict[str, list[str]] = {}
    for one in rows:
        why = _why_not(one, ancestors, now)
        if why and one.row is not None:
            found.setdefault(why, []).append(str(one.row["claim"]))
    return [f"{why}: {_listed(dict.fromkeys(claims))}" for why, claims in found.items()]


def commit_of(root: Path, contract: Contract, rows: Iterable[CaseEvidence]) -> str | None:
    """The commit at which the contract had the claims that it has now: that of the newest evidence, or else HEAD.

    None if neither has them, or git cannot tell.

    Raises:
        GitProblem: git refuses to be asked.
    """
    repository, head = git.repository(root), git.head(root)
    path = (root / contract.path).resolve()
    if repository is None or head is None or not path.is_relative_to(repository.top):
        return None
    newest = sorted((one.row for one in rows if one.row), key=seen, reverse=True)
    commits = dict.fromkeys([*(str(row.get("commit")) for row in newest), head])
    place = path.relative_to(repository.top).as_posix()
    found = git.blobs(repository.top, [f"{commit}:{place}" for commit in commits])
    for name, raw in found.items():
        then = claims_in(raw, contract)
        if then is not None and _said(then) == _said(contract.claims):
            return name.removesuffix(f":{place}")
    return None


def reason(one: ContractStatus, commit: str) -> str:
    """What was seen, in figures."""
    settled = _settled(one)
    refuted = sum(claim.outcome is Outcome.REFUTED for claim in settled)
    cells = [cell for claim in settled for cell in claim.cells]
    level = sum(claim.level.rank >= claim.claim.level.rank for claim in settled)
    verb = "discharged" if not refuted else f"as expected ({refuted} of them refuted)"
    asked = "at the levels they ask for" if level == len(settled) else f"{level} of them at the level it asks for"
    figures = f"{len(settled)}/{len(one.claims)} claims {verb}, {asked}; {killed(cells)}/{len(cells)} mutants killed"
    return f"{figures}; commit {commit[:7]}"


def entry(
    contract: Contract,
    to: str,
    now: datetime,
    *,
    why: str,
    commit: str | None = None,
    rows: Sequence[CaseEvidence] = (),
    loosens: Sequence[str] = (),
) -> dict[str, Any]:
    """The entry of a history: from the declared status `to` another one, or to the same one again."""
    version = contract.document.data.get("version")
    version = contract.metadata.get("version") if version is None else version
    return {
        "date": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "from": contract.status or str(Effective.PROPOSED),
        "to": to,
        **({} if version is None else {"version": version}),
        **({} if commit is None else {"commit": commit}),
        "reason": why,
        **({"loosens": list(loosens)} if loosens else {}),
        **({"evidence": sorted(one.id[:ABBREVIATED] for one in rows)} if rows else {}),
    }


def _why_not(one: CaseEvidence, ancestors: frozenset[str], now: datetime) -> str:
    row = one.row or {}
    commit, time = row.get("commit"), started_of(row)
    if not isinstance(commit, str):
        return "names no commit that it was seen at"
    if row.get("dirty") is not False:
        return f"was seen on a tree with changes that commit {commit[:7]} does not have"
    if commit not in ancestors:
        return f"was seen at commit {commit[:7]}, which HEAD does not build upon"
    if time is None:
        return "does not say when it was seen"
    return "was seen in the future: a clock is wrong" if time - now > SKEW else ""


def _settled(one: ContractStatus) -> list[Folded]:
    return [
        claim for claim in one.claims if claim.as_expected and claim.outcome in (Outcome.DISCHARGED, Outcome.REFUTED)
    ]


def _said(claims: Sequence[Claim]) -> list[tuple[str, str]]:
    return sorted((claim.id, claim.fingerprint) for claim in claims)


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    rest = len(listed) - _NAMED
    return ", ".join(listed[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
