"""The status as workflow commands of GitHub Actions: annotations beside the lines of contracts, and a step's summary."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pv.report.annotation import annotation
from pv.report.console import escape
from pv.report.matters import matters
from pv.report.status_markdown import as_compact, as_markdown
from pv.report.summary import headline
from pv.report.workspace import in_workspace
from pv.types import UsageProblem

if TYPE_CHECKING:
    from pv.status import Report

_MOST = 1 << 20  # bytes that GitHub takes as the summary of one step


def as_github(report: Report) -> str:
    """One command a matter, what weighs most first (GitHub shows ten of a kind a step), then the headline."""
    lines = [
        annotation(one.severity, one.message, path=in_workspace(one.path), span=one.span, title=one.title)
        for one in matters(report)
    ]
    return "\n".join([*lines, headline(report.claims)])


def append_summary(report: Report) -> None:
    """Append the status as Markdown to the summary of the step, where `GITHUB_STEP_SUMMARY` names its file.

    Raises:
        UsageProblem: it cannot be written.
    """
    name = os.environ.get("GITHUB_STEP_SUMMARY")
    if not name:
        return
    text = as_markdown(report) + "\n"
    if len(text.encode()) > _MOST // 2:  # other commands of the step may have something to say, too
        text = as_compact(report) + "\n"
    if len(text.encode()) > _MOST // 2:
        text = headline(report.claims) + "\n"
    try:
        with open(name, "a", encoding="utf-8") as file:  # noqa: PTH123  appended to in one go
            file.write(text)
    except OSError as problem:
        why = problem.strerror or problem
        raise UsageProblem(f"GITHUB_STEP_SUMMARY: {escape(name)}: cannot be written: {why}") from None
