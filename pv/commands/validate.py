"""`pv validate`: contracts read and checked."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pv.commands._choice import chosen_parts, each
from pv.commands._targets import find
from pv.corpus import read_text
from pv.report.console import Paint, emit
from pv.report.finding_formats import by_end, writer
from pv.report.findings import Asked, Tally
from pv.report.progress import Progress
from pv.source import Source
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator, Sequence

    from pv.commands._choice import Part
    from pv.report.findings import Writer

_NOTHING = "no contract among the files given: nothing was checked"


def run(arguments: argparse.Namespace) -> int:
    """Check what is named, file by file, and write what is found; 1 if anything is wrong, 2 if anything cannot be used.

    Rules that look across files ask all contracts of the project that a file belongs to; what is written is about the files
    named alone.

    Raises:
        UsageProblem: a path, a code, or the project's configuration cannot be used, or the report cannot be written.
    """
    targets = find(arguments.paths, arguments.stdin_filename)
    parts = chosen_parts(targets, arguments.select, arguments.ignore)
    strict = any(part.targets.config.strict for part in parts) if arguments.strict is None else arguments.strict
    output = None if arguments.output == "-" else arguments.output
    name = _format(arguments.format, output)
    paint = Paint.for_stream(sys.stdout) if output is None else Paint(on=False)
    report = writer(name, Asked(strict=strict, loudness=arguments.verbose - arguments.quiet, paint=paint))
    with _sink(output) as put:
        tally = _check(parts, report, put)
    if name == "github" and output is None:
        from pv.report.findings_github import append_summary  # noqa: PLC0415  needed on GitHub alone

        append_summary(report, tally)
    if tally.nothing and not tally.unreadable:
        sys.stderr.write(f"pv: {_NOTHING}\n")
    return tally.code(strict=strict)


def _check(parts: Sequence[Part], report: Writer, put: Callable[[str], None]) -> Tally:
    """Read each file, write what there is to say, and forget it; each project has rules and an index of its own."""
    progress = Progress("checking")
    tally = Tally()
    put(report.begin())
    total = sum(len(part.targets.files) for part in parts)
    for number, (target, part) in enumerate(each(parts)):
        progress(number, total)
        source = target.read(_stdin)
        reading = read_text(target.path, source, policy=part.policy, index=part.index)
        tally.add(reading)
        text = report.file(reading, source if isinstance(source, Source) else None)
        if text:
            progress.clear()
            put(text)
    progress.clear()
    put(report.end(tally))
    return tally


def _format(name: str, output: str | None) -> str:
    if name != "auto":
        return name
    if output is not None:
        return by_end(output)
    return "github" if os.environ.get("GITHUB_ACTIONS") == "true" else "text"


@contextlib.contextmanager
def _sink(output: str | None) -> Iterator[Callable[[str], None]]:
    """Where the report goes: to standard output as it is made, or to a file that is there when all of it is."""
    if output is None:
        yield emit
        return
    from pv.report.files import writing  # noqa: PLC0415  needed where something is written

    with writing(Path(output)) as put:
        yield put


def _stdin() -> bytes:
    if sys.stdin is None:
        raise UsageProblem("cannot read: standard input is closed")
    try:
        return sys.stdin.buffer.read()
    except OSError as problem:
        raise UsageProblem(f"cannot read standard input: {problem.strerror or problem}") from None
