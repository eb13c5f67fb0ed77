"""Where the reports of a command go: standard output, files, and the middle of a document."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pv.report.console import Paint, emit, escape
from pv.report.formats import Output, outputs, render
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse

    from pv.status import Report


def asked(arguments: argparse.Namespace) -> list[Output]:
    """The reports that a command line asks for; one of them goes to standard output, unless a document is all it is about.

    Raises:
        UsageProblem: it asks for what cannot be told apart or written; nothing has been read yet.
    """
    found = outputs(arguments.output)
    to_stdout = any(one.path is None for one in found)
    if to_stdout and arguments.format is not None:
        raise UsageProblem("--format and an --output of `-` both go to standard output: give one of them")
    if not to_stdout and not (arguments.format is None and (arguments.into or arguments.check)):
        found.append(Output(arguments.format or "text", None))
    return found


def deliver(
    report: Report,
    wanted: list[Output],
    *,
    into: str | None = None,
    check: str | None = None,
    hypotheses: bool = False,
) -> bool:
    """Write every report; whether a document that was to be checked differs.

    With `hypotheses`, text and Markdown are about these alone; the other formats are the same.

    All of them are made before the first is written, so that none stands there without the others for a bug of ours.

    Raises:
        UsageProblem: one cannot be written, or a document has no place for it.
        BrokenPipeError: the reader of standard output has gone.
    """
    from pv.report.files import write  # noqa: PLC0415  needed where something is written

    made = [(one, _text(one, report, hypotheses=hypotheses)) for one in wanted]
    # a table in which a contract is missing, because its file cannot be used, is written nowhere; the caller complains
    document = "" if report.unusable else into or check or ""
    before, after = _document(document, report) if document else ("", "")
    for one, text in made:
        if one.path is not None:
            write(one.path, text)
    if into and before != after:
        write(Path(into), after)
    for one, text in made:
        if one.path is None:
            emit(text)
        if one.path is None and one.format == "github":
            from pv.report.status_github import append_summary  # noqa: PLC0415

            append_summary(report)
    if not check or before == after:
        return False
    _show_difference(check, before, after)
    return True


def _text(one: Output, report: Report, *, hypotheses: bool) -> str:
    if hypotheses and one.format in ("text", "markdown"):
        return _hypotheses(one, report)
    if one.format == "text" and one.path is None:
        from pv.report.status_text import as_text  # noqa: PLC0415

        terminal = sys.stdout is not None and sys.stdout.isatty()
        columns = shutil.get_terminal_size().columns if terminal else None
        return as_text(report, Paint.for_stream(sys.stdout), columns, getattr(sys.stdout, "encoding", None)) + "\n"
    return render(one.format, report)


def _hypotheses(one: Output, report: Report) -> str:
    from pv.report.hypotheses import as_markdown, as_text  # noqa: PLC0415  seldom asked for

    if one.format == "markdown":
        return as_markdown(report) + "\n"
    if one.path is not None:
        return as_text(report, Paint(on=False)) + "\n"
    return as_text(report, Paint.for_stream(sys.stdout), getattr(sys.stdout, "encoding", None)) + "\n"


def _document(name: str, report: Report) -> tuple[str, str]:
    """A document as it is and as it should be."""
    from pv.report.embed import embed  # noqa: PLC0415
    from pv.report.status_markdown import as_compact  # noqa: PLC0415

    return embed(Path(name), as_compact(report))


def _show_difference(name: str, before: str, after: str) -> None:
    from pv.report.embed import difference  # noqa: PLC0415

    command = f"`pv status --into {escape(name)}`"
    emit(f"{difference(Path(name), before, after)}\n{escape(name)} differs: {command} writes it\n")
