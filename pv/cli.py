"""The command line of `pv`.

Exit codes: 0 ok, 1 findings, 2 usage or unusable input, 3 a bug in pv.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import io
import os
import sys
from typing import TYPE_CHECKING

from pv import __version__
from pv.report.formats import FORMATS
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Sequence

_EPILOG = "exit codes: 0 ok, 1 findings, 2 usage or unusable input, 3 a bug in pv"
_OF_REPLAY = "exit codes: 0 the same, 1 it differs, 2 it cannot be replayed, 3 a bug in pv"
_OF_GATE = "exit codes: 0 go on, 1 a claim contradicts its declaration, 2 nothing measured or usage, 3 a bug in pv"


def main(argv: Sequence[str] | None = None) -> int:
    """Run `pv` with these arguments and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # whatever the encoding, something readable comes out
    arguments = _parser().parse_args(argv)
    # Thousands of contracts are millions of objects that live until the end: looking through them for cycles again and again
    # takes as long as reading them.
    gc.set_threshold(200_000, 20, 100)
    try:
        code: int = importlib.import_module(f"pv.commands.{arguments.command}").run(arguments)
    except UsageProblem as problem:
        _complain(f"pv: {problem}\n")
        _forget_output()
        return 2
    except BrokenPipeError:  # the reader of our output has gone, as `head` does
        _forget_output()
        return 0
    except KeyboardInterrupt:
        return 130
    except Exception:  # noqa: BLE001  the last line of defence says whose fault it is
        import traceback  # noqa: PLC0415  needed only here

        _complain(traceback.format_exc())
        _complain("pv: this is a bug in pv, not in your files; please report it with the lines above\n")
        return 3
    return code


def _complain(text: str) -> None:
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # there is nowhere left to say it; the exit code still does
            sys.stderr.write(text)
            sys.stderr.flush()


def _forget_output() -> None:
    """Let Python's last flush at exit write what is still buffered to nowhere, if it cannot be written."""
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _count(text: str) -> int:
    """A whole number above zero.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) < 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pv", description="Contracts that can fail: read, checked, run, and their status computed.", epilog=_EPILOG
    )
    parser.add_argument("--version", action="version", version=f"pv {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    validate = commands.add_parser("validate", help="check contract files", epilog=_EPILOG)
    validate.add_argument("paths", nargs="+", metavar="FILE|DIR")
    validate.add_argument("--format", choices=("text", "json", "github"), default="text")
    validate.add_argument("--strict", action="store_true", help="warnings count as errors")

    status = commands.add_parser("status", help="what the evidence in the ledger supports", epilog=_EPILOG)
    status.add_argument("contracts", nargs="*", metavar="FILE|DIR", help="default: all of [tool.pv] contracts")
    status.add_argument("--format", choices=FORMATS, help="of what goes to standard output; default: text")
    status.add_argument(
        "--output",
        action="append",
        default=[],
        metavar="[FORMAT=]PATH",
        help="also write a report to a file, whose end tells the format; repeatable; - is standard output",
    )
    document = status.add_mutually_exclusive_group()
    document.add_argument("--into", metavar="FILE.md", help="write the table between the markers of a document")
    document.add_argument("--check", metavar="FILE.md", help="1, and what differs, unless that table is up to date")
    status.add_argument("--ledger", metavar="PATH", help="default: [tool.pv] ledger")
    status.add_argument("--strict", action="store_true", help="a claim that is inconclusive is a finding")
    status.add_argument(
        "--hypotheses",
        action="store_true",
        help="as text or Markdown: what is refuted, what survives, what to run next",
    )
    _add_since(status)

    trace = commands.add_parser("trace", help="from equation to claim, falsifier, mutants and evidence", epilog=_EPILOG)
    trace.add_argument("contracts", nargs="*", metavar="FILE|DIR", help="default: all of [tool.pv] contracts")
    trace.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    trace.add_argument("--ledger", metavar="PATH", help="default: [tool.pv] ledger")
    trace.add_argument(
        "--strict", action="store_true", help="what is not covered, not tested or not bound is a finding"
    )

    _add_gate(commands.add_parser("gate", help="whether a pipeline may go on", epilog=_OF_GATE))

    mutants = commands.add_parser(
        "mutants", help="run claims on the faults they must refute; the kill matrix", epilog=_EPILOG
    )
    mutants.add_argument("contracts", nargs="*", metavar="FILE|DIR", help="default: all of [tool.pv] contracts")
    mutants.add_argument("--claim", metavar="ID", help="only this claim of them")
    mutants.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    mutants.add_argument("--no-run", action="store_true", help="show what the ledger holds, and run nothing")
    mutants.add_argument("--workers", type=_count, metavar="N", help="run in N processes (pytest-xdist)")
    mutants.add_argument("--ledger", metavar="PATH", help="default: [tool.pv] ledger")
    mutants.add_argument("--strict", action="store_true", help="a mutant that could not be judged is a finding")

    _add_pin(commands.add_parser("pin", help="mirrored contracts and what they are copies of", epilog=_EPILOG))

    _add_promote(commands.add_parser("promote", help="declare what the evidence supports", epilog=_EPILOG))
    _add_demote(commands.add_parser("demote", help="declare less, or record what was loosened", epilog=_EPILOG))

    replay = commands.add_parser(
        "replay", help="do one run of the ledger again, and compare what it says", epilog=_OF_REPLAY
    )
    replay.add_argument(
        "claim",
        metavar="[CONTRACT:]ID[LABEL][@LINE]",
        help="as in x-v1:FALSIFY-X-001[16-mutant-nibble]@120; without a label the newest run without a mutant",
    )
    replay.add_argument("--ledger", metavar="PATH", help="default: [tool.pv] ledger")
    replay.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    replay.add_argument("-v", "--verbose", action="store_true", help="show what pytest says, on standard error")

    explain = commands.add_parser("explain", help="the manual page of a code", epilog=_EPILOG)
    explain.add_argument("code", nargs="?", metavar="CODE", help="default: list all codes")

    schema = commands.add_parser(
        "schema", help="print the JSON Schema of contracts, of the ledger, or of a status", epilog=_EPILOG
    )
    schema.add_argument(
        "of", nargs="?", choices=("contract", "ledger", "status"), default="contract", help="default: contract"
    )

    _add_merge(commands.add_parser("merge", help="join the ledgers of shards or machines", epilog=_EPILOG))

    verify = commands.add_parser("verify", help="whether a ledger is what was written", epilog=_EPILOG)
    verify.add_argument("ledger", nargs="?", metavar="LEDGER", help="default: [tool.pv] ledger")
    verify.add_argument(
        "--head", metavar="HASH", help="a line with this hash must be there: the head of an earlier time"
    )
    verify.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def _add_merge(merge: argparse.ArgumentParser) -> None:
    merge.add_argument("ledgers", nargs="+", metavar="LEDGER")
    merge.add_argument("-o", "--output", required=True, metavar="OUT", help="the ledger to write, whole or not at all")
    merge.add_argument("--partial", action="store_true", help="merge although shards are missing")
    merge.add_argument("--force", action="store_true", help="replace OUT")
    merge.add_argument("--json", action="store_true", help="one JSON object")


def _add_since(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--since", metavar="REF", help="what changed since the branch that REF names was left")
    parser.add_argument("--base-ledger", metavar="PATH", help="evidence of REF's own runs; default: the same ledger")


def _add_gate(gate: argparse.ArgumentParser) -> None:
    gate.add_argument("contracts", nargs="*", metavar="FILE|DIR", help="default: all of [tool.pv] contracts")
    gate.add_argument(
        "--require",
        metavar="LEVEL",
        help="a status that every contract reaches, or a level that every claim's evidence has",
    )
    gate.add_argument(
        "--no-new-refutations", action="store_true", help="refutations that are there at --since as well do not count"
    )
    gate.add_argument("--ledger", metavar="PATH", help="default: [tool.pv] ledger")
    gate.add_argument("--json", action="store_true", help="one JSON object")
    _add_since(gate)


def _add_promote(promote: argparse.ArgumentParser) -> None:
    promote.add_argument("contracts", nargs="+", metavar="FILE|DIR")
    promote.add_argument("--to", metavar="STATUS", help="default: the status that is effective")
    promote.add_argument("--reason", metavar="TEXT", help="default: what was seen, in figures")
    promote.add_argument("--ledger", metavar="PATH", help="default: [tool.pv] ledger")
    promote.add_argument("--dry-run", action="store_true", help="print what would change, and write nothing")


def _add_demote(demote: argparse.ArgumentParser) -> None:
    demote.add_argument("contract", metavar="FILE")
    demote.add_argument("--reason", metavar="TEXT", required=True, help="why; it stands in the history")
    demote.add_argument(
        "--to",
        metavar="STATUS",
        help="default: one rung lower; the declared status records a loosening and lowers nothing",
    )
    demote.add_argument("--dry-run", action="store_true", help="print what would change, and write nothing")


def _add_pin(pin: argparse.ArgumentParser) -> None:
    actions = pin.add_subparsers(dest="action", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="read upstream and pin a file to it", epilog=_EPILOG)
    add.add_argument("file", metavar="FILE")
    add.add_argument("--source", metavar="URL|PATH", help="the repository it is a copy of; default: as pinned")
    add.add_argument("--branch", metavar="NAME", help="the branch that has the commit; default: as pinned, or main")
    add.add_argument("--commit", metavar="REV", help="a commit or tag; default: the branch's newest commit")
    add.add_argument("--path", metavar="PATH", help="of the file upstream; default: as pinned, or the same as here")
    add.add_argument("--write", action="store_true", help="put upstream's bytes into FILE")
    check = actions.add_parser("check", help="local files against the lock, without a network", epilog=_EPILOG)
    roundtrip = actions.add_parser("roundtrip", help="local files and the lock against upstream", epilog=_EPILOG)
    roundtrip.add_argument("--strict", action="store_true", help="a newer version upstream is a finding")
    for one in (check, roundtrip):
        one.add_argument("files", nargs="*", metavar="FILE", help="default: all that are pinned")
    for one in (add, check, roundtrip):
        one.add_argument("--lock", metavar="PATH", help="default: pv.lock at the project's root, or a flat pin.lock")
        one.add_argument("--json", action="store_true", help="one JSON object")
