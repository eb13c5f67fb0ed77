"""`pv trace`: from equation to claim, to falsifier, to mutants, to evidence."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pv.commands._evidence import existing_ledger, select
from pv.ledger import read
from pv.report.console import Paint, emit
from pv.report.trace_text import as_json, as_markdown, as_text
from pv.status import compute
from pv.trace import trace
from pv.types import UsageProblem
from pv.written import bound, written

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print the matrix; under `--strict` 1 if an equation is not covered, an obligation not tested or a claim not bound.

    Raises:
        UsageProblem: a path does not exist, a contract cannot be used, there is none, or under `--strict` none has an equation.
    """
    selection = select(arguments.contracts)
    ledger = read(existing_ledger(arguments.ledger, selection.config))
    statuses = compute(selection.contracts, ledger, selection.config)
    modules = written(selection.config.falsifiers, selection.config.root)
    matrix = trace(statuses, bound(modules, selection.contracts), ledger, (*modules.problems, *ledger.problems))
    text = {"json": lambda: as_json(matrix), "markdown": lambda: as_markdown(matrix)}
    emit(text.get(arguments.format, lambda: as_text(matrix, Paint.for_stream(sys.stdout)))() + "\n")
    selection.complain()
    if arguments.strict and not matrix.equations:
        raise UsageProblem("no contract has an equation: nothing could be covered")
    return 1 if arguments.strict and matrix.gaps else 0
