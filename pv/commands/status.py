"""`pv status`: what the evidence in the ledger supports."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pv.commands._evidence import existing_ledger, report_on, select
from pv.report.console import Paint, emit
from pv.report.status_text import as_json, as_markdown, as_text

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print the status of the contracts given, or of all; 1 if there are findings.

    Raises:
        UsageProblem: a path does not exist, a contract cannot be used, or there is none; the contracts that can be used
            have been printed.
    """
    selection = select(arguments.contracts)
    report = report_on(selection, existing_ledger(arguments.ledger, selection.config))
    text = {"json": lambda: as_json(report), "markdown": lambda: as_markdown(report)}
    emit(text.get(arguments.format, lambda: as_text(report, Paint.for_stream(sys.stdout)))() + "\n")
    selection.complain()
    return 1 if report.found(strict=arguments.strict) else 0
