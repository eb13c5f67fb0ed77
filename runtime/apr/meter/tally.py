"""A corpus report for people: the answer first, what it rests on, then the pairs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apr.console import clipped, escape, print_table
from apr.meter.card import SUPPORTS
from apr.meter.report import exactly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from apr.meter.corpus import CorpusReport, Judged

_MOST_ROWS = 60  # pairs in the table; those that agree in everything are left out first


def headline_of_corpus(report: CorpusReport) -> str:
    """The answer in one line, without the verdict's word."""
    if report.share is None:
        return "no pair has a score"
    relation = "at least" if report.share >= exactly(report.aggregate_min) else "below"
    mean = f"mean {report.mean:.4f} over {len(report.scored)}, {relation} {report.aggregate_min:g}"
    return f"{mean}; {len(report.failed) or 'none'} below {report.settings.individual_min:g}"


def facts_of_corpus(report: CorpusReport) -> list[tuple[str, str]]:
    """What the answer rests on: label and text."""
    actions = report.actions
    nothing = f"{report.number('vacuous')} vacuous, {report.number('incomparable')} incomparable"
    return [
        ("pairs", f"{len(report.judged)}: {len(report.scored)} scored, {nothing}; {len(report.failed)} failed"),
        ("actions", f"teacher {actions['teacher']}, student {actions['student']}, paired {actions['matched']}"),
        ("drifts", ", ".join(f"{count} {name}" for name, count in report.drifts.items()) or "none"),
        ("supports", SUPPORTS[report.supports]),
    ]


def print_corpus(report: CorpusReport) -> None:
    """Prints all of it to standard output."""
    sys.stdout.write(f"{'PASSED' if report.passes else 'FAILED'}: {headline_of_corpus(report)}\n")
    for label, said in facts_of_corpus(report):
        sys.stdout.write(f"{label + ':':11}{escape(said)}\n")
    shown = _shown(report.judged)
    if shown:
        sys.stdout.write("\n")
        print_table(("pair", "verdict", "score", "agree", "drifts", "first"), map(_row, shown), right=(2, 3, 4))
    if len(shown) < len(report.judged):
        sys.stdout.write(f"{len(report.judged) - len(shown)} more pairs; --json and --html show all\n")


def _shown(judged: Sequence[Judged]) -> list[Judged]:
    if len(judged) > _MOST_ROWS:
        judged = [one for one in judged if one.report.verdict != "agrees"]
    return list(judged[:_MOST_ROWS])


def _row(one: Judged) -> tuple[str, ...]:
    report = one.report
    return (
        one.pair.name,
        report.verdict,
        "-" if report.score is None else f"{report.score:.4f}",
        "-" if report.score is None else f"{report.matched}/{report.denominator}",
        str(len(report.drifts)),
        report.reason or (clipped(report.drifts[0].short) if report.drifts else ""),
    )
