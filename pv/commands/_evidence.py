"""Which contracts a command is about, and what the ledger holds on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pv.config import find_config
from pv.corpus import read_all, walk
from pv.ledger import read
from pv.report.console import escape
from pv.status import Report, compute
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pv.config import Config
    from pv.parse import Contract


@dataclass(frozen=True)
class Selection:
    """The contracts asked for that can be used, the files they stand in, and what is wrong with the others."""

    config: Config
    contracts: tuple[Contract, ...]
    files: tuple[Path, ...]
    broken: tuple[str, ...]

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
    readings = read_all(walk(paths or [folder for folder in config.contracts if folder.exists()]), config.root)
    broken = tuple(found.headline for reading in readings for found in reading.errors)
    usable = [(reading.contract, reading.path) for reading in readings if reading.contract and not reading.errors]
    if not usable:
        raise UsageProblem("\n".join(map(escape, broken)) or "no contract found: nothing has a status")
    contracts, files = zip(*usable, strict=True)
    return Selection(config, contracts, files, broken)


def report_on(selection: Selection, path: Path) -> Report:
    """What the ledger at `path` holds on the contracts selected.

    Raises:
        UsageProblem: the ledger is there and cannot be read.
    """
    ledger = read(path)
    statuses = compute(selection.contracts, ledger, selection.config)
    return Report(statuses, ledger.path, ledger.exists, tuple(ledger.problems), selection.broken)


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
