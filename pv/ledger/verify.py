"""The whole check of a ledger: every line by the schema, the chain from the first to the last, every run by its own count."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pv.ledger.breaks import Found, Kind, Loose, find_places
from pv.ledger.index import open_ledger, unreadable
from pv.ledger.kinds import fault
from pv.ledger.line import FIRST, OLDER, PREFIX, link, looks_torn, newer, parse, previous, schema_of, write
from pv.ledger.scan import lines_of
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv.ledger.breaks import Places

_STEP = 5000  # lines between two calls of `progress`


@dataclass(frozen=True)
class Verified:
    """What a ledger holds, and what is wrong with it.

    `faults` say that somebody or something has been at the ledger; `notes` are what a killed run or an older version leaves
    behind. `head` is the hash of the last line; `holds_head` whether the hash that was asked for is that of one of the lines.
    """

    path: Path
    lines: int
    runs: int
    cases: int
    head: str
    faults: tuple[Found, ...]
    notes: tuple[Found, ...]
    holds_head: bool


def verify(path: Path, head: str = "", progress: Callable[[int, int], None] | None = None) -> Verified:
    """Check a ledger as a whole. `head` begins the hash of a line that must be there; `progress` is told bytes done and of all.

    Raises:
        UsageProblem: the ledger is not there, or cannot be read.
    """
    opened = open_ledger(path)
    if opened is None:
        raise UsageProblem(f"{path}: no such ledger")
    descriptor, size = opened
    try:
        one = _Check(head)
        done = 0
        for number, line in enumerate(lines_of(descriptor, size), 1):
            one.take(number, line, whole=done + len(line) < size)
            done += len(line) + 1
            if progress and number % _STEP == 0:
                progress(done, size)
        return one.end(path, find_places(descriptor, size, one.loose))
    except OSError as problem:
        raise unreadable(path, problem) from None
    finally:
        os.close(descriptor)


@dataclass
class _Run:
    """What was seen of one run: where it began (0: nowhere), how many cases it has, whether it came to its end."""

    line: int
    cases: int = 0
    ended: bool = False
    short: bool = False  # whether something of it is missing
    begun: set[tuple[str, ...]] = field(default_factory=set)


class _Check:
    """Where the check stands."""

    def __init__(self, head: str) -> None:
        self.loose: list[Loose] = []
        self._wanted, self._holds = head, not head
        self._faults: list[Found] = []
        self._notes: list[Found] = []
        self._runs: dict[str, _Run] = {}
        self._environments: set[tuple[str, str]] = set()
        self._lines = self._cases = self._last = 0
        self._head = ""
        self._about = ("", "")
        self._since = hashlib.sha256()  # of all bytes from the start of the last line of ours
        self._blank = True
        self._torn: list[int] = []
        self._older: list[int] = []

    def take(self, number: int, line: bytes, *, whole: bool) -> None:
        """Take in the next line."""
        row = parse(line)
        if row is None:
            self._take_other(number, line, whole=whole)
            return
        self._lines += 1
        about = str(row.get("kind")), str(row.get("run"))
        self._link(number, line, about)
        self._last, self._about = number, about
        wrong = fault(row)
        if not wrong:
            self._count(number, row)
            wrong = "" if _is_as_written(row, line) else "not written as pv writes it"
        if wrong:
            self._faults.append(Found(number, Kind.SCHEMA, wrong))

    def end(self, path: Path, places: Places) -> Verified:
        """What came of it."""
        self._notes += [Found(number, Kind.TORN, "torn; left aside") for number in self._torn]
        if self._older:
            count = (
                f"{len(self._older)} line{'' if len(self._older) == 1 else 's'} of {OLDER}, here and below; left aside"
            )
            self._notes.append(Found(self._older[0], Kind.OLDER, count))
        wrong = {one.number for one in self._faults if one.kind is Kind.SCHEMA}
        self._faults += [places.explain(one, wrong, short=self._is_short(one)) for one in self.loose]
        for name, run in self._runs.items():
            if run.line and not run.ended:
                self._notes.append(
                    Found(run.line, Kind.UNENDED, f"the run {name} never ended: it was killed, or goes on")
                )
        faults, notes = tuple(sorted(self._faults)), tuple(sorted(self._notes))
        runs = len(self._runs)
        return Verified(path, self._lines, runs, self._cases, self._head, faults, notes, self._holds)

    def _is_short(self, one: Loose) -> bool:
        """Whether the runs around a break say that something of them is missing; whole runs can be missing between two."""
        (kind, name), (kind_before, name_before) = one.about, one.about_before
        runs = [self._runs[run] for run in (name, name_before) if run in self._runs]
        if any(run.short for run in runs) or (kind, kind_before) == ("run", "end"):
            return True
        return name != name_before and name_before in self._runs and not self._runs[name_before].ended

    def _take_other(self, number: int, line: bytes, *, whole: bool) -> None:
        self._since.update(line if self._blank else b"\n" + line)
        self._blank = False
        later = newer(line) if whole else ""
        if later:
            text = f"of {later}, which a newer pv has written and this one cannot check; update pv"
            self._faults.append(Found(number, Kind.SCHEMA, text))
        elif not whole or looks_torn(line):
            self._torn.append(number)
        elif schema_of(line) == OLDER:
            self._older.append(number)
        else:
            self._faults.append(Found(number, Kind.FOREIGN, "no line of a ledger; left aside"))

    def _link(self, number: int, line: bytes, about: tuple[str, str]) -> None:
        held, own = previous(line), link(line)
        if held != self._since.hexdigest():
            self.loose.append(Loose(number, held, own, about, self._last, self._about, tuple(self._torn)))
        else:
            self._notes += [Found(one, Kind.TORN, "torn; left aside") for one in self._torn]
        self._torn.clear()
        self._since, self._blank = hashlib.sha256(line), False
        self._head = own
        self._holds = self._holds or own.startswith(self._wanted)

    def _count(self, number: int, row: dict[str, Any]) -> None:
        name, kind = row["run"], row["kind"]
        run = self._runs.get(name)
        if kind == "run":
            if run is not None:
                self._faults.append(Found(number, Kind.RUN, f"the run {name} began before"))
            self._runs[name] = _Run(number)
            return
        wrong = ""
        if run is None:
            run = self._runs[name] = _Run(0, short=True)
            wrong = f"the run {name} did not begin before"
        elif run.ended:
            wrong = f"the run {name} had ended before"
        if kind == "environment":
            self._environments.add((name, row["environment"]))
        else:
            counted = self._count_end(run, row) if kind == "end" else self._count_case(run, row)
            wrong = wrong or counted
        if wrong:
            self._faults.append(Found(number, Kind.RUN, wrong))

    def _count_end(self, run: _Run, row: dict[str, Any]) -> str:
        run.ended = True
        run.begun.clear()
        if row["cases"] == run.cases:
            return ""
        run.short = True
        return f"the run {row['run']} wrote {row['cases']} cases, and {run.cases} are here"

    def _count_case(self, run: _Run, row: dict[str, Any]) -> str:
        case = tuple(row[name] for name in FIRST[3:])
        if row["kind"] == "begin":
            run.begun.add(case)
            return ""
        run.cases += 1
        self._cases += 1
        where = row.get("environment")
        if where is not None and (row["run"], where) not in self._environments:
            run.short = True
            return f"its environment {where} does not stand before it"
        if case not in run.begun:
            run.short = True
            return "its case was not begun before"
        return ""


def _is_as_written(row: dict[str, Any], line: bytes) -> bool:
    """Whether a line is its row and nothing else: no key twice, no number or text written in another way."""
    return write(row) == b"{" + line[PREFIX:]
