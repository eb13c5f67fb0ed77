"""`ccpa coverage` as the upstream's program does it: by what fixtures declare; nothing is run."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from apr.actions.inputs import open_input, read_small
from apr.console import escape
from apr.errors import FINDINGS, OK, UnusableInput, UsageError
from apr.meter.upstream.text import trimmed, words

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

_COUNTED = ("SHIPPED", "PARTIAL")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the options that only the upstream's coverage has."""
    group = parser.add_argument_group("with --compat upstream")
    group.add_argument("--required", metavar="ROW,ROW", help="the rows to be covered")
    group.add_argument(
        "--fixture", metavar="ID=ROW,ROW", action="append", default=[], help="what a fixture declares; repeatable"
    )
    group.add_argument("--apr-code-parity-yaml", metavar="FILE", help="take the rows from a contract instead")
    group.add_argument("--fixtures-dir", metavar="DIR", help="take what fixtures declare from their meta.toml instead")
    group.add_argument("--oos-rows", metavar="ROW,ROW", help="rows that need not be covered")


def run(args: argparse.Namespace) -> int:
    """Prints which rows are declared to be covered.

    Returns:
        0 where all are that are not out of scope, else 1.

    Raises:
        UsageError: the options are of neither mode, or name no rows.
        UnusableInput: a meta.toml that cannot be read.
    """
    if args.apr_code_parity_yaml is not None and args.fixtures_dir is not None:
        required = rows_of_contract(Path(args.apr_code_parity_yaml))
        declared = [_declared(path) for path in _metas(Path(args.fixtures_dir))]
    elif args.required is not None:
        required = _listed(args.required)
        declared = [_fixture(text) for text in args.fixture]
    else:
        raise UsageError("give --required and --fixture, or --apr-code-parity-yaml and --fixtures-dir")
    if not required:
        raise UsageError("there are no rows to be covered")
    rows = {row for rows in declared for row in rows}
    return _report(required, rows, set(_listed(args.oos_rows or "")), as_json=args.json)


def _report(required: Sequence[str], declared: set[str], outside: set[str], *, as_json: bool) -> int:
    skipped = [row for row in required if row in outside]
    covered = [row for row in required if row not in outside and row in declared]
    missing = [row for row in required if row not in outside and row not in declared]
    if as_json:  # the upstream has no such form
        found = {"required": list(required), "covered": covered, "uncovered": missing, "out_of_scope": skipped}
        print(json.dumps({"schema": "ccpa-coverage-v1", "compat": "upstream", "passes": not missing, **found}))
        return FINDINGS if missing else OK
    print(
        f"ccpa coverage: {len(covered)}/{len(required) - len(skipped)} reachable rows covered"
        f"  ({len(required)} required total, {len(skipped)} OOS, {len(missing)} uncovered)"
    )
    _print_rows("uncovered", missing)
    _print_rows("out-of-scope (excluded from gate)", skipped)
    return FINDINGS if missing else OK


def _print_rows(title: str, rows: Iterable[str]) -> None:
    for index, row in enumerate(rows):
        if not index:
            print(f"  {title}:")
        print(f"    - {escape(row)}")


def _listed(text: str) -> list[str]:
    return [row for row in map(trimmed, text.split(",")) if row]


def _fixture(text: str) -> list[str]:
    name, separator, rows = text.partition("=")
    if not separator or not name:
        raise UsageError(f"is not of the form ID=ROW,ROW: {text!r}", where="--fixture")
    return _listed(rows)


def rows_of_contract(path: Path) -> list[str]:
    """The ids behind which a line `status: SHIPPED` or `status: PARTIAL` stands; lines are looked at, not YAML.

    Raises:
        UnusableInput: no UTF-8.
    """
    try:
        with open_input(path) as file:
            text = file.read().decode()
    except UnicodeDecodeError as error:
        raise UnusableInput("is not UTF-8", where=f"{path}: offset {error.start}") from error
    rows, current = [], None
    for line in text.split("\n"):
        entry = trimmed(f"{line}.")[:-1]  # blanks in front go, those behind stay
        if entry.startswith("- id: "):
            current = trimmed(entry.removeprefix("- id: "))
        elif entry.startswith("status: "):
            status = words(entry.removeprefix("status: "))[:1]
            if current is not None and status and status[0] in _COUNTED:
                rows.append(current)
            current = None
    return rows


def _metas(folder: Path) -> list[Path]:
    metas = [inner / "meta.toml" for inner in sorted(folder.iterdir()) if inner.is_dir()]
    return [path for path in metas if path.exists()]


def _declared(path: Path) -> list[str]:
    try:
        data: dict[str, Any] = tomllib.loads(read_small(path))
    except (ValueError, RecursionError) as error:  # ValueError: no TOML, or a number of thousands of digits
        raise UnusableInput(f"is no TOML: {error}", where=str(path)) from error
    fixture = data.get("fixture")
    if not isinstance(fixture, dict) or not isinstance(fixture.get("id"), str):
        raise UnusableInput("has no [fixture] with an id", where=str(path))
    rows = fixture.get("covers", [])
    if not isinstance(rows, list) or not all(isinstance(row, str) for row in rows):
        raise UnusableInput("must be a list of rows", where=f"{path}: fixture.covers")
    return rows
