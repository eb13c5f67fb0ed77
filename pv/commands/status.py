"""`pv status`: what the evidence in the ledger supports."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pv.config import find_config
from pv.corpus import read_all, walk
from pv.ledger import read
from pv.report.console import Paint, escape
from pv.report.status_text import as_json, as_markdown, as_text
from pv.status import Report, compute
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse

    from pv.config import Config


def run(arguments: argparse.Namespace) -> int:
    """Print the status of the contracts given, or of all; 1 if a claim contradicts what is expected of it.

    Raises:
        UsageProblem: a path does not exist, a contract cannot be used, or there is none.
    """
    config = find_config(Path.cwd())
    readings = read_all(walk(_paths(arguments, config)), config.root)
    broken = [found for reading in readings for found in reading.errors]
    if broken:
        raise UsageProblem("\n".join(escape(found.headline) for found in broken))
    contracts = [reading.contract for reading in readings if reading.contract]
    if not contracts:
        raise UsageProblem("no contract found: nothing has a status")
    ledger = read(Path(arguments.ledger) if arguments.ledger else config.ledger)
    report = Report(compute(contracts, ledger.rows, config.root), ledger.path, ledger.exists, tuple(ledger.problems))
    text = {"json": lambda: as_json(report), "markdown": lambda: as_markdown(report)}
    sys.stdout.write(text.get(arguments.format, lambda: as_text(report, Paint.for_stream(sys.stdout)))() + "\n")
    return 1 if report.red or (arguments.strict and report.overstated) else 0


def _paths(arguments: argparse.Namespace, config: Config) -> list[Path]:
    if not arguments.contracts:
        return [folder for folder in config.contracts if folder.exists()]
    paths = [Path(name) for name in arguments.contracts]
    for path in paths:
        if not path.exists():
            raise UsageProblem(f"{escape(str(path))}: no such file or folder")
    return paths
