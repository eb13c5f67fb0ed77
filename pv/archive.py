"""The evidence of promotions, kept beside the ledger: small files that are committed with the contracts they speak of.

`<contract>.jsonl` has the form of a ledger, but is an excerpt of one: it holds the lines that promotions name, and those on the runs
and the environments which these name, under the ids that they have where they were copied from. Neither what was begun nor how the runs
ended is in it, and its chain may break when branches are merged; what it holds is checked by the ids that a contract quotes.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from pv.ledger import append, read, sync
from pv.ledger.line import write
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pv.config import Config
    from pv.ledger import Entry, Ledger

ABBREVIATED = 16  # hex digits of a line's id that a history quotes


def archive_of(config: Config, contract: str) -> Path:
    """The file that keeps the evidence of a contract's promotions."""
    return config.archive / f"{contract}.jsonl"


def with_runs(ledger: Ledger, rows: Iterable[Entry]) -> list[Entry]:
    """These rows, each run and environment that they name before them, in the order of the ledger."""
    chosen = {one.id: one for one in rows}
    runs = {one.row.get("run") for one in chosen.values()}
    environments = {(one.row.get("run"), one.row.get("environment")) for one in chosen.values()}
    for one in ledger.of_runs():
        run, kind = one.row.get("run"), one.row["kind"]
        named = (run, one.row.get("environment")) in environments if kind == "environment" else run in runs
        if named and kind != "end":
            chosen.setdefault(one.id, one)
    return sorted(chosen.values(), key=lambda one: one.number)


def keep(path: Path, lines: Iterable[Entry]) -> int:
    """Append the lines that are not there yet, and return how many.

    Raises:
        UsageProblem: the archive cannot be read or written, or a line is not as `pv` writes it, so that its id would change.
    """
    known = {one.id for one in read(path).entries()}
    new = [one for one in lines if one.id not in known]
    for one in new:
        if hashlib.sha256(write(one.row)).hexdigest() != one.id:
            raise UsageProblem(f"line {one.number} of the ledger is not written as pv writes it; run the claims again")
    try:
        append(path, [one.row for one in new])
        if new:
            sync(path)
    except OSError as problem:
        raise UsageProblem(f"{path}: the evidence cannot be kept: {problem.strerror or problem}") from None
    return len(new)
