"""Findings as workflow commands of GitHub Actions: annotations beside the lines, and a summary of the step."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pv.report.annotation import annotation
from pv.report.console import escape
from pv.report.findings import Writer
from pv.report.workspace import in_workspace
from pv.types import Severity, UsageProblem

if TYPE_CHECKING:
    from pv.corpus import Reading
    from pv.report.findings import Tally
    from pv.source import Source
    from pv.types import Diagnostic

_MOST = 50  # findings in the summary; GitHub takes one MiB, and shows ten annotations of a kind beside the lines
_LONGEST = 300  # characters of one message there


class Github(Writer):
    """One command a finding, notes with -v alone; and the first of them as a table for the step's summary."""

    def begin(self) -> str:
        """Nothing stands in front."""
        self._rows: dict[Severity, list[str]] = {severity: [] for severity in Severity}
        return ""

    def file(self, reading: Reading, source: Source | None) -> str:
        """The commands of a file."""
        del source  # GitHub has the lines
        lines = []
        for found in reading.findings:
            if found.severity is Severity.NOTE and self.asked.loudness < 1:
                continue
            path = in_workspace(found.path)
            # the log of a run shows what stands behind the second `::` alone, and beside the lines GitHub shows few of them
            place = f"{path}:{found.span.line}:{found.span.col}: {found.code}: "
            text = place + found.message + (f"\nhelp: {found.help}" if found.help else "")
            lines.append(annotation(found.severity, text, path=path, span=found.span, title=found.code))
            if len(self._rows[found.severity]) < _MOST:
                self._rows[found.severity].append(_row(found, path))
        return "".join(f"{line}\n" for line in lines)

    def end(self, tally: Tally) -> str:
        """The counts."""
        return tally.headline(notes_shown=self.asked.loudness > 0) + "\n"

    def summary(self, tally: Tally) -> str:
        """Markdown: the counts, and a table of the first findings, the gravest first."""
        mark = {0: "✅", 1: "❌", 2: "⛔"}[tally.code(strict=self.asked.strict)]
        lines = [f"### {mark} pv validate", "", tally.headline(notes_shown=True), ""]
        rows = [row for severity in Severity for row in self._rows[severity]]
        if rows:
            lines += ["| | code | place | |", "| --- | --- | --- | --- |", *rows[:_MOST], ""]
        told = tally.errors + tally.warnings + (tally.notes if self.asked.loudness > 0 else 0)
        if told > _MOST:
            lines += [f"and {told - _MOST} more", ""]
        return "\n".join(lines) + "\n"


def append_summary(report: Writer, tally: Tally) -> None:
    """Append the summary of a report to that of the step, where `GITHUB_STEP_SUMMARY` names its file.

    Raises:
        UsageProblem: it cannot be written.
    """
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name or not isinstance(report, Github):
        return
    try:
        with open(name, "a", encoding="utf-8") as file:  # noqa: PTH123  appended to in one go
            file.write(report.summary(tally))
    except OSError as problem:
        why = problem.strerror or problem
        raise UsageProblem(f"GITHUB_STEP_SUMMARY: {escape(name)}: cannot be written: {why}") from None


def _row(found: Diagnostic, path: str) -> str:
    place = f"{_cell(path)}:{found.span.line}:{found.span.col}"
    said = found.message + (f"; {found.help}" if found.help else "")
    return f"| {found.severity} | {_cell(found.code)} | {place} | {_cell(said[:_LONGEST])} |"


def _cell(text: str) -> str:
    """Text that ends no cell and is no markup: of Markdown, of HTML, or a mention of somebody."""
    plain = escape(text).replace("&", "&amp;").replace("<", "&lt;").replace("#", "&#35;").replace("@", "&#64;")
    return "".join(f"\\{character}" if character in "\\`*_[]{}()!|~>" else character for character in plain)
