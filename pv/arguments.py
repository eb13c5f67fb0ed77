"""What the command line of `pv` takes: every command, its arguments and its exit codes."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import Any, NoReturn

from pv import __version__
from pv.report.finding_formats import FINDING_FORMATS
from pv.report.formats import FORMATS

_OF_VALIDATE = (
    "exit codes: 0 nothing is wrong, 1 findings (errors; with --strict warnings as well), 2 a file that cannot be read, "
    "nothing to check, or usage, 3 a bug in pv"
)
_EPILOG = "exit codes: 0 ok, 1 findings, 2 usage or unusable input, 3 a bug in pv"
_OF_REPLAY = "exit codes: 0 the same, 1 it differs, 2 it cannot be replayed, 3 a bug in pv"
_OF_FIX = "exit codes: 0 done, 1 there is something to mend (--check, --diff), 2 usage or unusable input, 3 a bug in pv"
_OF_GATE = "exit codes: 0 go on, 1 a claim contradicts its declaration, 2 nothing measured or usage, 3 a bug in pv"


class _Help(argparse.HelpFormatter):
    """Help as wide as the terminal. `argparse` makes one for each argument, and would ask `shutil`, which is slow to import."""

    def __init__(self, prog: str) -> None:
        try:
            columns = int(os.environ.get("COLUMNS", ""))
        except ValueError:
            columns = 0
        if columns <= 0:
            try:
                columns = os.get_terminal_size(sys.__stdout__.fileno()).columns  # type: ignore[union-attr]
            except (AttributeError, ValueError, OSError):  # no terminal, or no standard output at all
                columns = 0
        super().__init__(prog, width=(columns or 80) - 2)


class Parser(argparse.ArgumentParser):
    """A parser that takes files before and behind options, and says of a word that it does not know which one was meant."""

    _inner = False  # while argparse parses in two passes, both of which come back here

    def __init__(self, **given: Any) -> None:
        super().__init__(
            formatter_class=_Help, **{"allow_abbrev": False, **given}
        )  # as docs/reference/versioning.md says

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As `argparse` does it; files that stand behind an option are taken as well, what is left over is refused."""
        found, left = super().parse_known_args(args, namespace)
        if self._inner or not left:
            return found, left
        if args is not None and "--" not in args and not any(word.startswith("-") for word in left):
            self._inner = True
            found, left = self.parse_known_intermixed_args(args, None)
            self._inner = False
        if left:
            self.error(f"unrecognized arguments: {' '.join(left)}{self._meant(left[0])}")
        return found, left

    def error(self, message: str) -> NoReturn:
        """End with how it is used and the message; of many choices the one that was probably meant is enough."""
        from pv.report.console import escape  # noqa: PLC0415  needed only once something is wrong
        from pv.words import did_you_mean  # noqa: PLC0415  as above

        choice = re.fullmatch(r"(.*invalid choice: '([^']*)') \(choose from (.*)\)", message, re.DOTALL)
        if choice is not None:
            meant = did_you_mean(choice[2], choice[3].replace("'", "").split(", "))
            message = f"{choice[1]}; {meant}" if meant else message
        super().error(escape(message))

    def _meant(self, word: str) -> str:
        from pv.words import did_you_mean  # noqa: PLC0415  needed only once something is wrong

        options = [name for action in self._actions for name in action.option_strings if name.startswith("--")]
        meant = did_you_mean(word.partition("=")[0], options, 0.75) if word.startswith("--") else None
        return f"; {meant}" if meant else ""


def _count(text: str) -> int:
    """A whole number above zero.

    Raises:
        ArgumentTypeError: it is none.
    """
    if not text.isascii() or not text.isdigit() or not 0 < int(text[:9]) < 1000:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes")
    return int(text)


def parser() -> Parser:
    """The parser of the whole command line; `command` names the module in `pv.commands` that runs."""
    top = Parser(
        prog="pv", description="Contracts that can fail: read, checked, run, and their status computed.", epilog=_EPILOG
    )
    top.add_argument("--version", action="version", version=f"pv {__version__}")
    # without `prog` it would be made of a usage line, for which the width of the terminal is asked
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND", prog="pv")

    _add_validate(commands.add_parser("validate", help="check contract files", epilog=_OF_VALIDATE))
    _add_fix(commands.add_parser("fix", help="mend what is mechanical in contract files", epilog=_OF_FIX))
    _add_init(commands.add_parser("init", help="set up a repository for contracts", epilog=_EPILOG))
    _add_new(commands.add_parser("new", help="write a new contract", epilog=_EPILOG))
    _add_list(commands.add_parser("list", help="the claims of the project", epilog=_EPILOG))
    _add_show(commands.add_parser("show", help="one claim, with all that belongs to it", epilog=_EPILOG))
    _add_missing(commands.add_parser("missing", help="the falsifiers still to be written, as Python", epilog=_EPILOG))

    _add_status(commands.add_parser("status", help="what the evidence in the ledger supports", epilog=_EPILOG))

    trace = commands.add_parser("trace", help="from equation to claim, falsifier, mutants and evidence", epilog=_EPILOG)
    trace.add_argument("contracts", nargs="*", metavar="FILE|DIR", help="default: all of [tool.pv] contracts")
    trace.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    trace.add_argument("--ledger", metavar="PATH", help="default: [tool.pv] ledger")
    trace.add_argument(
        "--strict", action="store_true", help="what is not covered, not tested or not bound is a finding"
    )

    _add_docs(commands.add_parser("docs", help="a page a contract, with its formulas, as HTML", epilog=_EPILOG))

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

    _add_replay(
        commands.add_parser(
            "replay", help="do one run of the ledger again, and compare what it says", epilog=_OF_REPLAY
        )
    )

    explain = commands.add_parser("explain", help="the manual page of a code", epilog=_EPILOG)
    explain.add_argument("code", nargs="?", metavar="CODE", help="PV2 lists all PV2xx; default: list all codes")
    explain.add_argument("--json", action="store_true", help="one JSON object")

    schema = commands.add_parser(
        "schema", help="print the JSON Schema of contracts, the ledger, a status, or findings", epilog=_EPILOG
    )
    schema.add_argument(
        "of",
        nargs="?",
        choices=("contract", "ledger", "status", "findings"),
        default="contract",
        help="default: contract",
    )

    _add_merge(commands.add_parser("merge", help="join the ledgers of shards or machines", epilog=_EPILOG))

    verify = commands.add_parser("verify", help="whether a ledger is what was written", epilog=_EPILOG)
    verify.add_argument("ledger", nargs="?", metavar="LEDGER", help="default: [tool.pv] ledger")
    verify.add_argument(
        "--head", metavar="HASH", help="a line with this hash must be there: the head of an earlier time"
    )
    verify.add_argument("--json", action="store_true", help="one JSON object")
    return top


def _add_docs(docs: argparse.ArgumentParser) -> None:
    docs.add_argument("contracts", nargs="*", metavar="FILE|DIR", help="default: all of [tool.pv] contracts")
    docs.add_argument("--into", metavar="FOLDER", help="where the pages stand; default: docs/contracts of the project")
    docs.add_argument("--check", action="store_true", help="write nothing; 1 if a page is not what would be written")


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
    actions = pin.add_subparsers(dest="action", required=True, metavar="ACTION", prog="pv pin")
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


def _add_validate(validate: argparse.ArgumentParser) -> None:
    validate.add_argument(
        "paths",
        nargs="*",
        metavar="FILE|DIR|GLOB|-",
        help="a quoted glob may hold **; - is standard input; default: all of [tool.pv] contracts",
    )
    validate.add_argument(
        "--format",
        choices=("auto", *FINDING_FORMATS),
        default="auto",
        help="default: auto (as the end of --output tells; github on GitHub Actions; else text)",
    )
    validate.add_argument(
        "--output",
        metavar="PATH",
        help="write to a file, whole or not at all, instead of standard output; - is standard output",
    )
    validate.add_argument("--strict", action="store_true", default=None, help="warnings count as errors")
    _add_choice(validate)
    validate.add_argument(
        "--stdin-filename", metavar="PATH", help="the name under which standard input is checked and reported"
    )
    loudness = validate.add_mutually_exclusive_group()
    loudness.add_argument("-q", "--quiet", action="count", default=0, help="one line a finding; -qq only the summary")
    loudness.add_argument(
        "-v",
        "--verbose",
        action="count",
        default=0,
        help="notes as well, and all findings of a kind; -vv also each file as it is read",
    )


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--select",
        action="append",
        default=[],
        metavar="CODE[,CODE]",
        help="only these rules; PV2 stands for all PV2xx",
    )
    parser.add_argument("--ignore", action="append", default=[], metavar="CODE[,CODE]", help="not these rules")


def _add_fix(fix: argparse.ArgumentParser) -> None:
    fix.add_argument("paths", nargs="*", metavar="FILE|DIR|GLOB", help="default: all of [tool.pv] contracts")
    fix.add_argument("--diff", action="store_true", help="print what would change, and write nothing")
    fix.add_argument("--check", action="store_true", help="write nothing; 1 if anything would change")
    _add_choice(fix)


def _add_init(init: argparse.ArgumentParser) -> None:
    init.add_argument("folder", nargs="?", default=".", metavar="DIR", help="default: the current folder")
    init.add_argument("--name", metavar="NAME", help="of the first contract; default: example-v1")
    init.add_argument("--ci", choices=("github", "none"), default="github", help="default: github")
    init.add_argument("--dry-run", action="store_true", help="print what would be written, and write nothing")


def _add_new(new: argparse.ArgumentParser) -> None:
    new.add_argument("name", metavar="NAME", help="as in softmax-v1, or a path that ends so")
    new.add_argument("--kind", default="kernel", metavar="KIND", help="default: kernel")
    new.add_argument(
        "--template",
        choices=("kernel",),
        help="a whole example to replace instead of a skeleton: kernel is a contract that runs as it is written",
    )
    new.add_argument("--description", metavar="TEXT", help="one sentence: what is claimed, and of what")
    new.add_argument("--force", action="store_true", help="replace a file that is there")


def _add_list(listing: argparse.ArgumentParser) -> None:
    listing.add_argument("contracts", nargs="*", metavar="FILE|DIR", help="default: all of [tool.pv] contracts")
    listing.add_argument("--json", action="store_true", help="one JSON object")


def _add_show(show: argparse.ArgumentParser) -> None:
    show.add_argument(
        "claim", metavar="[CONTRACT:]CLAIM", help="as in softmax-v1:FALSIFY-SM-001; a contract alone shows it"
    )
    show.add_argument(
        "contracts", nargs="*", metavar="FILE|DIR", help="where to look; default: all of [tool.pv] contracts"
    )
    show.add_argument("--json", action="store_true", help="one JSON object")


def _add_missing(missing: argparse.ArgumentParser) -> None:
    missing.add_argument("contracts", nargs="*", metavar="FILE|DIR", help="default: all of [tool.pv] contracts")
    missing.add_argument("--write", action="store_true", help="put them into the files of [tool.pv] falsifiers")
    missing.add_argument("--json", action="store_true", help="one JSON object")


def _add_status(status: argparse.ArgumentParser) -> None:
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


def _add_replay(replay: argparse.ArgumentParser) -> None:
    replay.add_argument(
        "claim",
        metavar="[CONTRACT:]ID[LABEL][@LINE]",
        help="as in x-v1:FALSIFY-X-001[16-mutant-nibble]@120; without a label the newest run without a mutant",
    )
    replay.add_argument("--ledger", metavar="PATH", help="default: [tool.pv] ledger")
    replay.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    replay.add_argument("-v", "--verbose", action="store_true", help="show what pytest says, on standard error")
