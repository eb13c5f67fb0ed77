"""Which contracts a command is about, and what the ledger holds on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pv.config import find_config
from pv.corpus import read_all, walk
from pv.report.console import escape
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.changes import Since
    from pv.config import Config
    from pv.hypotheses import Tree
    from pv.ledger import Ledger
    from pv.parse import Contract
    from pv.status import ContractStatus, Report


@dataclass(frozen=True)
class Selection:
    """The contracts asked for that can be used, the files they stand in, and what is wrong with the others.

    `asked` are the files and folders that were named; none of them means all of the project.
    """

    config: Config
    contracts: tuple[Contract, ...]
    files: tuple[Path, ...]
    broken: tuple[str, ...]
    asked: tuple[Path, ...] = ()

    def complain(self) -> None:
        """Say what is wrong with the contracts that cannot be used, once the others have been reported.

        Raises:
            UsageProblem: there are such contracts.
        """
        if self.broken:
            raise UsageProblem("\n".join(map(escape, self.broken)))


def select(names: Sequence[str]) -> Selection:
    """The contracts that these files and folders name; without any, all of the project that the current folder is in.

    Raises:
        UsageProblem: a path does not exist, or there is no contract that can be used.
    """
    paths = [Path(name) for name in names]
    for path in paths:
        if not path.exists():
            raise UsageProblem(f"{escape(str(path))}: no such file or folder")
    config = _config_of(paths)
    readings = read_all(
        walk(paths or [folder for folder in config.contracts if folder.exists()]), config.root, policy=config.policy
    )
    broken = tuple(found.headline for reading in readings for found in reading.errors)
    usable = [(reading.contract, reading.path) for reading in readings if reading.contract and not reading.errors]
    if not usable:
        raise UsageProblem("\n".join(map(escape, broken)) or "no contract found: nothing has a status")
    contracts, files = zip(*usable, strict=True)
    return Selection(config, contracts, files, broken, tuple(paths))


def seen(selection: Selection, path: Path) -> Report:
    """What the ledger at `path` holds on the contracts selected, and nothing that git, archives or pins would say.

    Raises:
        UsageProblem: the ledger is there and cannot be read.
    """
    from pv.ledger import read  # noqa: PLC0415  as much to import as all the rest; other commands need contracts alone
    from pv.status import Report, compute  # noqa: PLC0415  as above

    ledger = read(path)
    statuses = compute(selection.contracts, ledger, selection.config)
    return Report(statuses, ledger.path, ledger.exists, tuple(ledger.problems), selection.broken, broken=ledger.broken)


def report_on(selection: Selection, path: Path, *, since: str | None = None, base_ledger: str | None = None) -> Report:
    """What the ledger at `path` holds on the contracts selected, and what changed since a commit, where one is named.

    If that commit is not there to compare with, `since` has none, and says why.

    Raises:
        UsageProblem: a ledger is there and cannot be read, or that of the base is not there.
    """
    from pv.commands._remarks import gather  # noqa: PLC0415  as in `seen`
    from pv.ledger import read  # noqa: PLC0415  as above
    from pv.shards import together  # noqa: PLC0415  as above
    from pv.status import Report, compute  # noqa: PLC0415  as above
    from pv.trend import trend  # noqa: PLC0415  as above

    if base_ledger is not None and since is None:
        raise UsageProblem("--base-ledger holds the evidence of the commit that --since names; name one")
    ledger = read(path)
    remarks = gather(selection.contracts, selection.config, ledger)
    gone = () if selection.asked else remarks[""]  # of chosen contracts alone nobody asked what else there was
    shards = together(ledger)
    statuses = tuple(
        replace(
            one,
            trend=trend(one.contract, ledger, one.claims, shards),
            hypotheses=_hypotheses(one, ledger),
        )
        for one in compute(selection.contracts, ledger, selection.config, remarks=remarks)
    )
    changes = None if since is None else changed(selection, ledger, statuses, since, base_ledger)
    return Report(
        statuses,
        ledger.path,
        ledger.exists,
        tuple(ledger.problems),
        selection.broken,
        since=changes,
        broken=ledger.broken,
        remarks=gone,
    )


def _hypotheses(one: ContractStatus, ledger: Ledger) -> Tree | None:
    if not one.contract.hypotheses:
        return None
    from pv.hypotheses import seconds_of, tree  # noqa: PLC0415  most contracts have none

    return tree(one.contract, one.claims, seconds_of(ledger, one.contract.claims))


def changed(
    selection: Selection, ledger: Ledger, statuses: Sequence[ContractStatus], since: str, base_ledger: str | None
) -> Since:
    """What changed since the commit that `since` names, as far as this ledger, or another one, has evidence of it.

    Raises:
        UsageProblem: the other ledger is not there, or cannot be read.
    """
    from pv import base  # noqa: PLC0415  seldom needed
    from pv.changes import Since  # noqa: PLC0415  as above
    from pv.git import GitProblem  # noqa: PLC0415  as above
    from pv.ledger import read  # noqa: PLC0415  as above

    other = None if base_ledger is None else read(existing_ledger(base_ledger, selection.config))
    try:
        return base.since(since, statuses, selection.config, ledger, base_ledger=other, selected=selection.asked)
    except GitProblem as problem:
        return Since(since, "", measured=False, why_not=str(problem))


def existing_ledger(name: str | None, config: Config) -> Path:
    """The ledger of that name, or the one of the project.

    Raises:
        UsageProblem: there is no ledger of that name.
    """
    if not name:
        return config.ledger
    path = Path(name)
    if not path.exists():
        raise UsageProblem(f"{escape(str(path))}: no such ledger; `pytest -m falsify --pv-ledger PATH` writes one")
    return path


def _config_of(paths: list[Path]) -> Config:
    """The project that the first path belongs to; without paths, the one that the current folder belongs to."""
    first = paths[0].absolute() if paths else Path.cwd()
    return find_config(first if first.is_dir() else first.parent)
