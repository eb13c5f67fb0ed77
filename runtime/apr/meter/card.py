"""A report on the terminal: the verdict and the score first, what they rest on, then both sides beside each other, then every drift."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from apr.console import clipped, escape, print_table, uses_colour
from apr.meter.drift import MEANINGS

if TYPE_CHECKING:
    from apr.meter.drift import Drift
    from apr.meter.report import Producer, Report, Row

MOST_DRIFTS = 200  # lines of text; the JSON has all
_STYLES = {"~": "yellow", "-": "red", "+": "green", ">": "cyan", " ": "dim"}
_VERDICTS = {"agrees": "bold green", "drifts": "bold red", "vacuous": "bold yellow", "incomparable": "bold yellow"}
SUPPORTS = {
    "parity": "parity: two producers, and what they did was compared",
    "no-false-alarm": "no-false-alarm: both traces are of one producer, so this shows what the meter does, not parity",
    "nothing": "nothing: there was nothing to compare",
}


def headline(report: Report) -> str:
    """The answer in one line, without the verdict's word."""
    if report.share is None:
        return report.reason or "neither side did anything that is scored"
    least = f"{report.individual_min:g}"
    passed = f"at least {least}" if report.passes else f"below {least}"
    return f"score {report.score:.4f}, {passed}: {report.matched} of {report.denominator} agree"


def facts(report: Report) -> list[tuple[str, str]]:
    """What the answer rests on: label and text."""
    found = []
    if report.share is not None:
        found.append(
            ("actions", f"teacher {report.teacher_actions}, student {report.student_actions}, paired {report.matched}")
        )
        penalties = [name for name, value in (("course", report.course), ("files", report.files)) if value]
        found.append(("penalties", ", ".join(f"{name} 1" for name in penalties) or "none"))
        if not report.exact:
            low, high = report.as_json()["bounds"]
            found.append(("bounds", f"too long for an exact alignment: the score is between {low:.4f} and {high:.4f}"))
        if report.files_unknown:
            found.append(("files", f"not compared; {report.files_unknown}"))
        if report.results != "content":
            found.append(("results", {"ok": "only whether they succeeded", "none": "not compared"}[report.results]))
    found.append(("supports", SUPPORTS[report.supports]))
    found += [("teacher", _producer(report.teacher)), ("student", _producer(report.student))]
    return found


def print_card(report: Report) -> None:
    """Prints all of it to standard output."""
    if uses_colour(sys.stdout):
        _print_rich(report)
    else:
        _print_plain(report)
    if report.rows_left_out:
        sys.stdout.write(f"{report.rows_left_out} more rows\n")
    if not report.drifts:
        return
    sys.stdout.write(f"\n{len(report.drifts)} drift{'s' if len(report.drifts) > 1 else ''}\n")
    for drift in report.drifts[:MOST_DRIFTS]:
        sys.stdout.write(
            f"{_lines(drift)}{escape(clipped(drift.short))}: {MEANINGS[drift.category].text}: {escape(clipped(drift.detail))}\n"
        )
    if len(report.drifts) > MOST_DRIFTS:
        sys.stdout.write(f"… and {len(report.drifts) - MOST_DRIFTS} more; --json has all\n")


def _producer(producer: Producer) -> str:
    return (
        f"{producer.actor}, {producer.model}{f', {producer.source}' if producer.source else ''}, {producer.session_id}"
    )


def _lines(drift: Drift) -> str:
    places = ["-" if line is None else str(line) for line in drift.lines]
    return f"{places[0]}:{places[1]} " if drift.lines != (None, None) else ""


def _cells(row: Row) -> tuple[str, str, str, str, str]:
    lines = ["" if line is None else str(line) for line in row.lines]
    return row.mark, lines[0], clipped(row.teacher or ""), lines[1], clipped(row.student or "")


def _print_plain(report: Report) -> None:
    sys.stdout.write(f"{report.verdict.upper()}: {escape(headline(report))}\n")
    for label, text in facts(report):
        sys.stdout.write(f"{label + ':':11}{escape(clipped(text))}\n")
    if report.rows:
        sys.stdout.write("\n")
        print_table(("", "line", "teacher", "line", "student"), map(_cells, report.rows), right=(1, 3))


def _print_rich(report: Report) -> None:
    from rich import box  # noqa: PLC0415 - only a terminal pays for rich
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for rich
    from rich.table import Table  # noqa: PLC0415 - only a terminal pays for rich
    from rich.text import Text  # noqa: PLC0415 - only a terminal pays for rich

    console = Console()
    console.print(Text.assemble((report.verdict.upper(), _VERDICTS[report.verdict]), f": {escape(headline(report))}"))
    grid = Table.grid(padding=(0, 2))
    for label, text in facts(report):
        grid.add_row(Text(label, "dim"), Text(escape(clipped(text))))
    console.print(grid)
    if report.rows:
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for title, side in (
            ("", "left"),
            ("line", "right"),
            ("teacher", "left"),
            ("line", "right"),
            ("student", "left"),
        ):
            table.add_column(title, justify="right" if side == "right" else "left", overflow="fold")
        for row in report.rows:
            table.add_row(*(Text(escape(cell)) for cell in _cells(row)), style=_STYLES[row.mark])
        console.print(table)
