"""`ccpa validate`: what is wrong with action traces, line by line."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.actions.reading import walk
from apr.actions.trace import Finding
from apr.ccpa.tracefiles import STDIN, SUFFIX, opened, size, traces
from apr.console import Progress, escape
from apr.errors import FINDINGS, OK, USAGE, AprError, UnusableInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

SCHEMA = "ccpa-validate-v1"
_SHOWN = 100  # findings of a file
_STRIDE = 2048  # records between two steps of the bar


@dataclass
class _Checked:
    """What became of a trace; of its findings the first ones are kept."""

    name: str
    records: int = 0
    tool_calls: int = 0
    total: int = 0
    findings: list[Finding] = field(default_factory=list)
    problem: str | None = None  # why it could not be read, to its end at least

    @property
    def state(self) -> str:
        return "unreadable" if self.problem else "invalid" if self.total else "valid"

    def as_json(self) -> dict[str, Any]:
        return {
            "path": self.name,
            "state": self.state,
            "problem": self.problem,
            "records": self.records,
            "tool_calls": self.tool_calls,
            "text_only": not self.tool_calls,
            "findings_total": self.total,
            "findings": [
                {"line": one.line, "path": one.path, "rule": one.rule, "problem": one.problem, "hint": one.hint}
                for one in self.findings
            ],
        }


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    parser.description = (
        "Check action traces strictly: JSON, fields, and what the records must say together. All files are told about."
    )
    parser.epilog = "Exit codes: 0 every trace is valid, 1 something is wrong with one, 2 usage, or a file that cannot be read, 3 a bug of ccpa."
    parser.add_argument(
        "files", nargs="+", metavar="FILE", help=f"traces; of a folder every *{SUFFIX} below it; - is standard input"
    )
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")
    parser.add_argument(
        "--max-findings",
        type=_count,
        metavar="N",
        help=f"show so many of a file, and say how many more there are ({_SHOWN} if not given)",
    )
    parser.add_argument(
        "--compat",
        choices=["upstream"],
        help="accept exactly what the upstream's program accepts, and say what it says",
    )


def run(args: argparse.Namespace) -> int:
    """Prints what is wrong with each trace, and a summary.

    Returns:
        0 where nothing is wrong, 1 where something is, 2 where a file could not be read.

    Raises:
        UsageError: standard input is named twice, or something goes with `--compat upstream` that does not.
    """
    if args.files.count(STDIN) > (0 if args.compat else 1):
        problem = "--compat upstream reads no standard input" if args.compat else "standard input can be read once"
        raise UsageError(problem, hint="name files")
    names, missing = traces(args.files)
    if args.compat:
        from apr.ccpa.upstream.traces import validate  # noqa: PLC0415 - only this mode pays for it

        if missing:
            raise UnusableInput(*missing[0].args[:1], where=missing[0].where, hint=missing[0].hint)
        if args.max_findings is not None:
            raise UsageError("--max-findings does not go with --compat upstream, which stops at the first")
        return validate([Path(name) for name in names], as_json=args.json)
    results = [_Checked(error.where or "", problem=str(error)) for error in missing]
    if not args.json:
        for error in missing:
            _complain(error)
    most = _SHOWN if args.max_findings is None else args.max_findings
    with Progress("validating", size(names), unit="bytes") as bar:
        results += [_validate(name, most, bar, shows=not args.json) for name in names]
    if args.json:
        content = {"schema": SCHEMA, "files": [one.as_json() for one in results], "totals": _totals(results)}
        sys.stdout.write(json.dumps(content, indent=2, allow_nan=False) + "\n")
    else:
        sys.stdout.write(_summary(results) + "\n")
    return max(OK if one.state == "valid" else FINDINGS if one.state == "invalid" else USAGE for one in results)


def _count(written: str) -> int:
    if not (written.isascii() and written.isdigit()):
        raise argparse.ArgumentTypeError(f"{written!r} is no number of findings")
    return int(written)


def _validate(name: str, most: int, bar: Progress, *, shows: bool) -> _Checked:
    """Reads one trace to its end and shows what is found on the way."""
    checked = _Checked(name)
    try:
        with opened(name) as file:
            for found in _walked(file, name, checked, bar):
                checked.total += 1
                if checked.total > most:
                    continue
                checked.findings.append(found)
                if shows:
                    sys.stdout.write(f"{escape(name)}:{escape(str(found))}\n")
    except UnusableInput as error:
        checked.problem = str(error)
        if shows:
            _complain(error)
    if shows and checked.total > most:
        sys.stdout.write(
            f"{escape(name)}: and {checked.total - most} more; see them with --max-findings {checked.total}\n"
        )
    return checked


def _walked(file: BinaryIO, name: str, checked: _Checked, bar: Progress) -> Iterator[Finding]:
    """What is found; the records are counted."""
    before, told = 0, file.seekable()
    for found in walk(file, name):
        if isinstance(found, Finding):
            yield found
            continue
        checked.records += 1
        if found.record["kind"] == "assistant_turn":
            checked.tool_calls += sum(block["type"] == "tool_use" for block in found.record["blocks"])
        if told and not checked.records % _STRIDE:
            before = _advance(bar, file, before)
    if told:
        _advance(bar, file, before)


def _advance(bar: Progress, file: BinaryIO, before: int) -> int:
    place = file.tell()
    bar.advance(place - before)
    return place


def _complain(error: AprError) -> None:
    sys.stdout.flush()
    sys.stderr.write(f"ccpa: error: {escape(str(error))}\n")


def _totals(results: Sequence[_Checked]) -> dict[str, int]:
    states = [one.state for one in results]
    return {
        "files": len(results),
        "valid": states.count("valid"),
        "invalid": states.count("invalid"),
        "unreadable": states.count("unreadable"),
        "records": sum(one.records for one in results),
        "findings": sum(one.total for one in results),
        "text_only": sum(one.state == "valid" and not one.tool_calls for one in results),
    }


def _summary(results: Sequence[_Checked]) -> str:
    """One line: how many of what, and what the valid ones can show."""
    totals = _totals(results)
    parts = [
        _number(totals["files"], "file"),
        _number(totals["records"], "record"),
        _number(totals["findings"], "finding"),
    ]
    if totals["unreadable"]:
        parts.append(f"{totals['unreadable']} unreadable")
    counted = ", ".join(parts)
    if not totals["valid"]:
        return counted
    if totals["files"] == 1:
        calls = results[0].tool_calls
        return f"{counted}; valid, {'with ' + _number(calls, 'tool call') if calls else 'text-only: it says nothing about tools'}"
    return f"{counted}; valid: {totals['valid'] - totals['text_only']} with tool calls, {totals['text_only']} text-only"


def _number(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
