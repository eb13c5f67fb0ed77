"""`ccpa coverage`: which capabilities a folder of pairs can tell the loss of."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from apr.ccpa.options import add_results, refuse, settings
from apr.console import Progress, escape, print_table
from apr.errors import FINDINGS, OK, UsageError
from apr.meter.coverage import SCHEMA, cover
from apr.meter.pairs import find_pairs
from apr.meter.rows import load_rows

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from apr.meter.coverage import Coverage, Covered

ROWS = "rows.yaml"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the command's arguments."""
    from apr.ccpa.upstream import coverage as upstream  # noqa: PLC0415 - argparse wants both modes' options

    parser.description = (
        "Find out which rows of a capability matrix a folder of pairs covers: for each row that a pair declares, its feature is "
        "taken out of the student's trace, and the score has to fall."
    )
    parser.epilog = (
        "exit code: 0 every row is covered and every declaration borne out; 1 something is not; 2 usage, or nothing to be covered, "
        "or nothing to cover it with. What is out of scope is said in the file of rows, with its reason."
    )
    parser.add_argument("corpus", type=Path, nargs="?", metavar="DIR", help="a folder of pairs")
    parser.add_argument("--rows", type=Path, metavar="FILE", help=f"the matrix ({ROWS} in DIR if not given)")
    add_results(parser)
    parser.add_argument("--compat", choices=("upstream",), help="count declarations, as the upstream's program does")
    parser.add_argument("--json", action="store_true", help=f"one JSON object, schema {SCHEMA}")
    upstream.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Prints what is covered, and by what.

    Raises:
        UsageError: the arguments contradict each other.
        UnusableInput: pairs or rows cannot be read, or there are none.
        InvalidTrace: a trace breaks a rule.
    """
    if args.compat:
        return _upstream(args)
    given = [name for name in _UPSTREAM if getattr(args, name)]
    if given:
        raise UsageError(f"--{given[0].replace('_', '-')} goes with --compat upstream")
    if args.corpus is None:
        raise UsageError("no folder of pairs given", hint="see `ccpa coverage --help`")
    rows = load_rows(args.rows if args.rows is not None else args.corpus / ROWS)
    pairs = find_pairs(args.corpus)
    with Progress("taking features out", len(pairs), unit="pairs") as meter:
        found = cover(pairs, rows, settings(args), meter.advance)
    if args.json:
        sys.stdout.write(json.dumps(found.as_json(), indent=2, allow_nan=False) + "\n")
    else:
        _print(found)
    return OK if found.passes else FINDINGS


_UPSTREAM = ("required", "fixture", "apr_code_parity_yaml", "fixtures_dir", "oos_rows")


def _upstream(args: argparse.Namespace) -> int:
    from apr.ccpa.upstream import coverage as upstream  # noqa: PLC0415 - only --compat runs it

    refuse(args, ("results",), "does not go with --compat upstream, which looks at no results")
    if args.corpus is None and args.rows is not None:
        raise UsageError("the upstream's coverage has no --rows without DIR", hint="see `ccpa coverage --help`")
    if args.corpus is not None:
        _take_for_upstream(args)
    return upstream.run(args)


def _take_for_upstream(args: argparse.Namespace) -> None:
    """The same folder and the same rows, for a meter that knows them by other options."""
    said = [name for name in _UPSTREAM if name != "oos_rows" and getattr(args, name)]
    if said:
        raise UsageError(f"DIR and --{said[0].replace('_', '-')} are two ways to say the same", hint="give one of them")
    args.fixtures_dir = str(args.corpus)
    args.apr_code_parity_yaml = str(args.rows if args.rows is not None else args.corpus / ROWS)


def _print(found: Coverage) -> None:
    print_table(
        ("row", "state", "feature", "noticed by", "score", "without"),
        [line for row in found.rows for line in _lines(row)],
        right=(4, 5),
    )
    sys.stdout.write(
        f"\n{found.count('covered')} of {found.wanted} rows covered by {found.pairs} pairs; "
        f"{found.count('out of scope')} out of scope, {found.count('missing')} missing\n"
    )
    for row in found.rows:
        if row.row.out_of_scope:
            sys.stdout.write(f"out of scope: {escape(row.row.id)}: {escape(row.row.out_of_scope)}\n")
    for finding in found.findings:
        sys.stdout.write(f"finding: {escape(finding)}\n")


def _lines(row: Covered) -> Iterator[tuple[str, ...]]:
    """One line a feature; the row's name stands in the first."""
    if not row.row.wanted:
        yield row.row.id, row.state, "", "", "", ""
        return
    for number, feature in enumerate(row.row.features):
        head = (row.row.id, row.state) if not number else ("", "")
        noticed = row.noticed(feature)
        if not noticed:
            yield (*head, str(feature), "nobody", "", "")
            continue
        more = f" and {len(noticed) - 1} more" if len(noticed) > 1 else ""
        yield (*head, str(feature), noticed[0].pair + more, _score(noticed[0].before), _score(noticed[0].after))


def _score(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
