"""`pv status`: what the evidence in the ledger supports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pv.config import find_config
from pv.corpus import read_all, walk
from pv.ledger import read
from pv.report.console import Paint, emit, escape
from pv.report.status_text import as_json, as_markdown, as_text
from pv.status import Report, compute
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse

    from pv.config import Config


def run(arguments: argparse.Namespace) -> int:
    """Print the status of the contracts given, or of all; 1 if a claim contradicts what is expected of it.

    Raises:
        UsageProblem: a path does not exist, a contract cannot be used, or there is none; the contracts that can be used
            have been printed.
    """
    paths = [Path(name) for name in arguments.contracts]
    for path in paths:
        if not path.exists():
            raise UsageProblem(f"{escape(str(path))}: no such file or folder")
    config = _config_of(paths)
    readings = read_all(walk(paths or [folder for folder in config.contracts if folder.exists()]), config.root)
    broken = tuple(found.headline for reading in readings for found in reading.errors)
    contracts = [reading.contract for reading in readings if reading.contract and not reading.errors]
    if not contracts:
        raise UsageProblem("\n".join(map(escape, broken)) or "no contract found: nothing has a status")
    path = _ledger(arguments, config)
    ledger = read(path)
    statuses = compute(contracts, ledger.rows, config)
    report = Report(statuses, ledger.path, ledger.exists, tuple(ledger.problems), broken)
    text = {"json": lambda: as_json(report), "markdown": lambda: as_markdown(report)}
    emit(text.get(arguments.format, lambda: as_text(report, Paint.for_stream(sys.stdout)))() + "\n")
    if broken:
        raise UsageProblem("\n".join(map(escape, broken)))
    return 1 if report.red or (arguments.strict and report.overstated) else 0


def _config_of(paths: list[Path]) -> Config:
    """The project that the first path belongs to; without paths, the one that the current folder belongs to."""
    first = paths[0].absolute() if paths else Path.cwd()
    return find_config(first if first.is_dir() else first.parent)


def _ledger(arguments: argparse.Namespace, config: Config) -> Path:
    if not arguments.ledger:
        return config.ledger
    path = Path(arguments.ledger)
    if not path.exists():
        raise UsageProblem(f"{escape(str(path))}: no such ledger; `pytest -m falsify --pv-ledger PATH` writes one")
    return path
