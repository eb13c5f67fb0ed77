"""`pv validate`: contracts read and checked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pv.corpus import read_all, walk
from pv.report.console import Paint, emit, escape
from pv.report.findings import as_github, as_json, as_text, summary
from pv.types import UsageProblem

if TYPE_CHECKING:
    import argparse


def run(arguments: argparse.Namespace) -> int:
    """Check the files and folders given; 1 if anything is wrong, 2 if anything cannot be used.

    Raises:
        UsageProblem: a path does not exist.
    """
    paths = [Path(name) for name in arguments.paths]
    for path in paths:
        if not path.exists():
            raise UsageProblem(f"{escape(str(path))}: no such file or folder")
    readings = read_all(walk(paths), Path.cwd())
    text = {"text": lambda: as_text(readings, Paint.for_stream(sys.stdout)), "json": lambda: as_json(readings)}
    emit(text.get(arguments.format, lambda: as_github(readings))() + "\n")
    counts = summary(readings)
    if not all(reading.readable for reading in readings):
        return 2
    if not counts["contracts"] and not counts["errors"]:
        sys.stderr.write("pv: no contract among the files given: nothing was checked\n")
        return 2
    return 1 if counts["errors"] or (arguments.strict and counts["warnings"]) else 0
