"""`pv gate`: whether a pipeline may go on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pv.commands._evidence import existing_ledger, report_on, select
from pv.gate import Demand, judge, require
from pv.report.console import Paint, emit
from pv.report.gate_text import as_json, as_text
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse

    from pv.words import Effective, Level


def run(arguments: argparse.Namespace) -> int:
    """Print why a pipeline has to stop, if it has to; 1 for a contradiction that was seen, 2 where nothing was measured.

    Raises:
        UsageProblem: a path or a ledger does not exist or cannot be read, there is no contract that can be used, or options do
            not go together.
    """
    if arguments.no_new_refutations and arguments.since is None:
        raise UsageProblem("--no-new-refutations needs --since: name the branch that new ones are new against")
    demand = Demand(_required(arguments.require), arguments.no_new_refutations)
    selection = select(arguments.contracts)
    ledger = existing_ledger(arguments.ledger, selection.config)
    report = report_on(selection, ledger, since=arguments.since, base_ledger=arguments.base_ledger)
    gate = judge(report, demand)
    text = as_json(gate, report) if arguments.json else as_text(gate, report, Paint.for_stream(sys.stdout))
    emit(text + "\n")
    return gate.code


def _required(word: str | None) -> Effective | Level | None:
    try:
        return None if word is None else require(word)
    except ValueError as problem:
        raise UsageProblem(f"--require: {problem}") from None
