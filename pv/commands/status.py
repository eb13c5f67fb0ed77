"""`pv status`: what the evidence in the ledger supports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.commands._evidence import existing_ledger, report_on, select
from pv.commands._outputs import asked, deliver
from pv.report.console import escape
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Print the status of the contracts given, or of all; 1 if there are findings, or a document to be checked differs.

    Raises:
        UsageProblem: a path does not exist, a contract cannot be used, or there is none; the contracts that can be used
            have been printed. Or a report cannot be written, or `--since` names nothing to compare with.
    """
    wanted = asked(arguments)
    selection = select(arguments.contracts)
    report = report_on(
        selection,
        existing_ledger(arguments.ledger, selection.config),
        since=arguments.since,
        base_ledger=arguments.base_ledger,
    )
    differs = deliver(report, wanted, into=arguments.into, check=arguments.check, hypotheses=arguments.hypotheses)
    selection.complain()
    if report.since is not None and not report.since.commit:
        raise UsageProblem(f"--since {escape(report.since.ref)}: {escape(report.since.why_not)}")
    return 1 if differs or report.found(strict=arguments.strict) else 0
