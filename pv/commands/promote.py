"""`pv promote`: the status that fresh evidence supports, written into a contract with the evidence that backs it."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pv import git
from pv.archive import archive_of, keep, with_runs
from pv.commands._evidence import existing_ledger, report_on, select
from pv.commands._history import change, near, rung_of, tell
from pv.history.backed import backings
from pv.history.examine import examine
from pv.history.promotion import commit_of, counted, entry, reason, unsound
from pv.ledger import read
from pv.remark import Topic
from pv.report.console import emit, escape
from pv.report.lacking import lacking
from pv.types import UsageProblem
from pv.words import Effective

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pv.config import Config
    from pv.fold import CaseEvidence
    from pv.ledger import Ledger
    from pv.remark import Remark
    from pv.status import ContractStatus

_MENDS = "`pv promote "  # how the help of a remark begins that the command itself settles
_OF_HISTORY = frozenset({Topic.HISTORY, Topic.LOOSENED})


@dataclass(frozen=True)
class _Refused:
    """Why a contract is not promoted, and what stands in the way, line by line."""

    why: str
    details: list[str]


@dataclass(frozen=True)
class _World:
    """What promotions are judged by: the project, its evidence, what git knows, and the time.

    `history` is what is to be said of each contract's past, by its path; `ancestors` are the commits that HEAD builds upon.
    """

    config: Config
    ledger: Ledger
    broken: bool
    history: Mapping[str, Sequence[Remark]]
    ancestors: frozenset[str]
    now: datetime
    wanted: Effective | None
    reason: str | None


def run(arguments: argparse.Namespace) -> int:
    """Promote each contract given, or say why not; 1 if one of them is not promoted.

    Raises:
        UsageProblem: a path or a ledger does not exist, a contract cannot be used, or a file cannot be written.
    """
    wanted = rung_of(arguments.to)
    selection = select(arguments.contracts)
    path = existing_ledger(arguments.ledger, selection.config)
    report, ledger = report_on(selection, path), read(path)
    head = git.head(selection.config.root)
    world = _World(
        selection.config,
        ledger,
        report.broken,
        examine(selection.contracts, selection.config).remarks,
        git.ancestors(selection.config.root, head) if head else frozenset(),
        datetime.now(UTC),
        wanted,
        arguments.reason,
    )
    backed = backings(selection.contracts, selection.config, ledger)
    refused = False
    for one, file in zip(report.contracts, selection.files, strict=True):
        found = _refusal(one, world)
        if found:
            refused = True
            tell(one.contract.path, found.why, found.details)
        elif _target(one, world) is one.declared and backed[one.contract.name].holds:
            tell(one.contract.path, f"is {one.contract.status}, and its evidence is there: nothing to record")
        else:
            _promote(one, file, world, dry_run=arguments.dry_run)
    selection.complain()
    return 1 if refused else 0


def _target(one: ContractStatus, world: _World) -> Effective:
    return world.wanted or one.effective


def _refusal(one: ContractStatus, world: _World) -> _Refused | None:
    """Why a contract cannot be promoted, if it cannot."""
    return _unsound(one, world) or _unsupported(one, _target(one, world)) or _untraceable(one, world)


def _unsound(one: ContractStatus, world: _World) -> _Refused | None:
    if world.broken:
        return _Refused("not promoted: the ledger was changed after it had been written", ["`pv verify` says where"])
    # a status that was raised without an entry is what the entry mends
    said = world.history.get(one.contract.path, ())
    history = [remark for remark in said if remark.grave and remark.topic in _OF_HISTORY]
    grave = [remark.text for remark in history if _MENDS not in remark.help]
    return _Refused("not promoted: its history is not sound", grave) if grave else None


def _unsupported(one: ContractStatus, to: Effective) -> _Refused | None:
    if to.rank > one.effective.rank or to.rank <= 0:
        asked = to if to.rank > 0 else Effective.PARTIAL_ALGORITHM_LEVEL
        return _Refused(f"not promoted to {asked}: effective is {one.effective}", _lacks(one, asked))
    if one.declared is not None and to.rank < one.declared.rank:
        why = f"not promoted: it declares {one.contract.status}, which is above {to}; `pv demote` lowers it"
        return _Refused(why, _lacks(one, one.declared))
    return None


def _untraceable(one: ContractStatus, world: _World) -> _Refused | None:
    to = _target(one, world)
    odd = [f"evidence {why}" for why in unsound(counted(one), world.ancestors, world.now)]
    if odd:
        return _Refused(f"not promoted to {to}: its evidence cannot back that", odd)
    if _commit(one, world) is None:
        why = (
            "neither HEAD nor the commit that they were seen at has the claims as they stand; commit them, and run them"
        )
        return _Refused(f"not promoted to {to}: its claims are not committed", [why])
    return None


def _commit(one: ContractStatus, world: _World) -> str | None:
    return commit_of(world.config.root, one.contract, counted(one))


def _lacks(one: ContractStatus, asked: Effective) -> list[str]:
    """What each claim lacks for this rung."""
    wished = replace(one, contract=replace(one.contract, status=str(asked)))
    return [f"{claim}: {', '.join(texts)}" if claim else ", ".join(texts) for claim, texts in lacking(wished)]


def _promote(one: ContractStatus, file: Path, world: _World, *, dry_run: bool) -> None:
    contract, rows, to = one.contract, counted(one), _target(one, world)
    commit = _commit(one, world) or ""
    word = contract.status if to is one.declared and contract.status else str(to)
    why = (world.reason or reason(one, commit)).strip()
    made = change(file, contract, word, entry(contract, word, world.now, why=why, commit=commit, rows=rows))
    if dry_run:
        emit(made.diff())
        return
    archive = archive_of(world.config, contract.name)
    _keep(archive, rows, world.ledger)
    made.write()
    shown = near(archive, world.config.root)
    verb = "confirmed" if to is one.declared else f"from {contract.status or 'no status'}"
    tell(contract.path, f"{word}, {verb}: {why}", [f"evidence: {len(rows)} rows, kept in {shown}; commit both files"])
    if _is_ignored(archive, world.config.root):
        sys.stderr.write(
            f"pv: git ignores {escape(shown)}: nobody else will find the evidence; "
            "write `.pv/*` and `!.pv/evidence/` into .gitignore instead of `.pv/`\n"
        )


def _keep(archive: Path, rows: Sequence[CaseEvidence], ledger: Ledger) -> int:
    found = [line for one in rows if (line := ledger.find(one.id)) is not None]
    if len(found) < len(rows):
        raise UsageProblem("the ledger was changed while it was read; run the command again")
    return keep(archive, with_runs(ledger, found))


def _is_ignored(archive: Path, root: Path) -> bool:
    """Whether git leaves the archive out of what is committed."""
    repository = git.repository(root)
    path = archive.resolve()
    if repository is None or not path.is_relative_to(repository.top):
        return False
    names = {path.relative_to(repository.top), *path.relative_to(repository.top).parents}
    return not {name.as_posix() for name in names}.isdisjoint(git.ignored(repository.top))
