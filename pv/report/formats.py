"""The formats of a status: by name, by the end of a file's name, and as the command line asks for them."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pv.pattern import lazy
from pv.report.console import Paint, escape
from pv.types import UsageProblem
from pv.words import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pv.status import Report

# which function of which module writes it; text is written here, since it depends on the terminal
_WRITERS = {
    "json": ("status_data", "as_json"),
    "markdown": ("status_markdown", "as_markdown"),
    "junit": ("junit", "as_junit"),
    "sarif": ("sarif", "as_sarif"),
    "html": ("html.page", "as_html"),
    "badge": ("badge", "as_svg"),
    "badge-json": ("badge", "as_endpoint"),
    "github": ("status_github", "as_github"),
}
FORMATS = ("text", *_WRITERS)
_ENDS = {
    ".badge.json": "badge-json",
    ".sarif.json": "sarif",
    ".txt": "text",
    ".json": "json",
    ".md": "markdown",
    ".markdown": "markdown",
    ".xml": "junit",
    ".sarif": "sarif",
    ".html": "html",
    ".htm": "html",
    ".svg": "badge",
}
_NAMED = lazy(r"([a-z][a-z-]*)=(.*)", re.DOTALL)


class Output(NamedTuple):
    """One report that is asked for; without a path it goes to standard output."""

    format: str
    path: Path | None


def render(name: str, report: Report) -> str:
    """The report in one format, without colours, as wide as it is; it ends with a newline."""
    if name == "text":
        from pv.report.status_text import as_text  # noqa: PLC0415  each format loads its own module alone

        return as_text(report, Paint(on=False)) + "\n"
    module, function = _WRITERS[name]
    writer: Callable[[Report], str] = getattr(importlib.import_module(f"pv.report.{module}"), function)
    return writer(report).rstrip("\n") + "\n"


def outputs(asked: Sequence[str]) -> list[Output]:
    """What `--output` names: `FORMAT=PATH`, or `PATH` whose end tells the format; `-` is standard output.

    Raises:
        UsageProblem: the format is not known or cannot be told, its folder does not exist, or two go to one place.
    """
    found = [_output(text) for text in asked]
    places = [one.path.absolute() if one.path else None for one in found]
    for at, place in enumerate(places):
        if place in places[:at]:
            raise UsageProblem(f"two reports go to {'standard output' if place is None else escape(str(place))}")
    return found


def _output(text: str) -> Output:
    named = _NAMED.fullmatch(text)
    if named:
        name, path = named[1], named[2]
        if name not in FORMATS:
            fix = did_you_mean(name, FORMATS) or f"one of {', '.join(FORMATS)}"
            raise UsageProblem(
                f"--output {escape(text)}: no format is called {name!r}; {fix}; for a file, ./{escape(text)}"
            )
    else:
        path = text
        end = next((end for end in _ENDS if text.lower().endswith(end)), None)
        if end is None:
            raise UsageProblem(
                f"--output {escape(text)}: its name does not tell the format: write FORMAT={escape(text)}, "
                f"or end it with one of {', '.join(_ENDS)}"
            )
        name = _ENDS[end]
    if path == "-":
        return Output(name, None)
    place = Path(path)
    if not path or place.is_dir():
        raise UsageProblem(f"--output {escape(text)}: is a folder; name a file in it")
    if not place.parent.is_dir():
        raise UsageProblem(f"--output {escape(text)}: there is no folder {escape(str(place.parent))}")
    return Output(name, place)
