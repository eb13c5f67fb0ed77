"""`pv list`: the contracts and their claims."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from pv.commands._evidence import select
from pv.listing import listing
from pv.report.console import Paint, emit, escape
from pv.report.list_text import as_json, as_text
from pv.written import bound, written

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each claim, and for each falsifier that no claim is there for. Whether that is good is not judged here.

    Raises:
        UsageProblem: a path does not exist, a contract cannot be used, or there is none.
    """
    selection = select(arguments.contracts)
    modules = written(selection.config.falsifiers, selection.config.root)
    whole = not (selection.asked or selection.broken)
    found = list(listing(selection.contracts, bound(modules, selection.contracts), strays=whole))
    contracts = len(selection.contracts)
    if arguments.json:
        emit(as_json(found, contracts) + "\n")
    else:
        columns = shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None
        emit(as_text(found, contracts, Paint.for_stream(sys.stdout), columns) + "\n")
    for problem in modules.problems:
        sys.stderr.write(f"pv: {escape(problem)}\n")
    selection.complain()
    return 0
