"""A ledger as it is read: where its lines are, whose they are, and whether each holds on to the one before."""

from __future__ import annotations

import os
import stat
import sys
import weakref
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pv.judge import Word
from pv.ledger.append import locked
from pv.ledger.kinds import fault
from pv.ledger.line import FIRST, OF_CASES, begun_run, chain, decided, identity, link, parse, verdict, write
from pv.ledger.scan import Scan, key_text, scan_file
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Key = tuple[str, str, str, str]  # contract, claim, params (Case.key), mutant or ""

_SHORTEST = 12  # hex digits that an abbreviated id has at least
_SHARED = 4096  # objects that are remembered for sharing
_WORDS = frozenset({"schema", "kind", "run", "contract", "verdict", "level", "environment"})
_PARTS, _LISTS = frozenset({"compared", "expected", "falsifier"}), frozenset({"inputs", "engines", "skipped"})
_WORD = 16  # hex digits of an id that are kept for looking it up
_BLOCK = 16384  # bytes that are read at once: rows of cases that follow each other stand beside each other
_BLOCKS = 64  # that are kept
_VERDICTS = frozenset(Word)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row, the number of its line (from 1), and the id by which it is quoted (64 hex digits)."""

    number: int
    id: str
    row: Mapping[str, Any]


class Glimpse(NamedTuple):
    """What a line says that its case came to: the number of the line (from 1), its run, and the word."""

    number: int
    run: str
    verdict: str


class _Row(dict[str, Any]):
    """A row that is parsed once for all who hold it at the same time."""

    __slots__ = ("__weakref__", "id")

    def __init__(self, row: Mapping[str, Any], id_: str) -> None:
        super().__init__(row)
        self.id = id_


class Ledger:
    """What a ledger holds. Its lines are known by place and key; a row is parsed, and checked, when it is asked for.

    `head` is the hash of the last line, empty if there is none. `problems` grows when a row that is asked for turns out to
    be none: it is said there and left aside.
    """

    def __init__(self, path: Path, scan: Scan, line: Callable[[int], bytes], *, exists: bool = True) -> None:
        self.path, self.exists = path, exists
        self.head = scan.head
        self._scan, self._line = scan, line
        self._checked = True
        self._faulty: set[int] = set()
        self._rows: weakref.WeakValueDictionary[int, _Row] = weakref.WeakValueDictionary()
        self._same: dict[tuple[tuple[str, Any], ...], dict[str, Any]] = {}
        self._environments: dict[str, Mapping[str, Any]] | None = None
        self._ids: tuple[array[int], array[int]] | None = None

    @property
    def problems(self) -> list[str]:
        """What could not be read as a row, or does not hold on to what stands before it."""
        return self._scan.problems.told(self.path)

    @property
    def broken(self) -> bool:
        """Whether the chain is: something was changed, taken out or put in after it had been written."""
        return self._scan.problems.broken

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> Ledger:
        """A ledger of rows that are in no file; what they hold is believed, and what says nothing else is a `case`."""
        scan, lines = Scan(), []
        for number, row in enumerate(rows, 1):
            kind = row.get("kind", "begin" if row.get("begun") else "case")
            lines.append(chain(write({**row, "kind": kind}), scan.head or link(b"")))
            scan.head = link(lines[-1])
            contract, claim, params, mutant = (str(row.get(name, "")) for name in FIRST[3:])
            key = key_text(contract, claim, params, mutant) if kind in OF_CASES else None
            scan.put(lines[-1], number, 0, key)
        ledger = cls(Path(), scan, lines.__getitem__)
        ledger._checked = False
        return ledger

    def newest(self, key: Key) -> Iterator[Entry]:
        """What is said of a case, the newest first. That it was begun is left out where the same run says how it ended."""
        ended: set[str] = set()
        index = self._scan.last.get(key_text(*key), -1)
        while index >= 0:
            entry = None if ended and begun_run(self._line(index)) in ended else self._entry(index)
            if entry is not None and self._is_about(entry, key, index):
                run = str(entry.row.get("run"))
                if entry.row["kind"] != "begin":
                    ended.add(run)
                    yield entry
                elif run not in ended:
                    yield entry
            index = self._scan.before[index]

    def glimpses(self, key: Key) -> Iterator[Glimpse]:
        """What lines say that a case came to: of sound lines those of `newest`, in its order.

        A line is taken at its word, without a check; only one that does not show the word is parsed.
        """
        ended: set[str] = set()
        index = self._scan.last.get(key_text(*key), -1)
        while index >= 0:
            told = None if index in self._faulty else self._told(index)
            if told is not None:
                kind, run, word = told
                if kind != "begin" or run not in ended:
                    yield Glimpse(self._scan.numbers[index], run, word)
                if kind != "begin":
                    ended.add(run)
            index = self._scan.before[index]

    def decided_alike(self, key: Key, count: int) -> bool:
        """Whether the newest `count` lines of a case that say how it ended rest on the same falsifier, claim and inputs.

        Lines are compared as they stand, and no row is parsed; where one does not show it, the answer is no.
        """
        first: bytes | None = None
        index = self._scan.last.get(key_text(*key), -1)
        while index >= 0 and count:
            line = self._line(index)
            index = self._scan.before[index]
            if begun_run(line) is not None:
                continue
            found = decided(line)
            if found is None or (first is not None and found != first):
                return False
            first, count = found, count - 1
        return True

    def entries(self) -> Iterator[Entry]:
        """Every line that is a row, in the order of the file."""
        for index in range(len(self._scan)):
            entry = self._entry(index)
            if entry is not None:
                yield entry

    def of_runs(self) -> Iterator[Entry]:
        """The lines that are about a whole run, in the order of the file: that it began, its environments, its end."""
        for index in self._scan.of_runs:
            entry = self._entry(index)
            if entry is not None:
                yield entry

    def environment(self, name: str) -> Mapping[str, Any] | None:
        """Where a case ran: the data of the environment that its row names by 16 hex digits; None if it stands nowhere."""
        if self._environments is None:
            of_kind = (one.row for one in self.of_runs() if one.row["kind"] == "environment")
            self._environments = {row["environment"]: row["data"] for row in of_kind}
        return self._environments.get(name)

    def find(self, id_prefix: str) -> Entry | None:
        """The row with this id, or the newest of equal ones; None if there is none, or if several differ.

        Raises:
            ValueError: fewer than 12 hex digits are given, or something else.
        """
        if not _SHORTEST <= len(id_prefix) <= 64 or set(id_prefix) - set("0123456789abcdef"):
            raise ValueError(f"{id_prefix!r} is no id of a line: 12 to 64 hex digits")
        ids, order = self._by_id()
        word = id_prefix[:_WORD]
        place = bisect_left(ids, int(word.ljust(_WORD, "0"), 16))
        found: dict[str, Entry] = {}
        while place < len(ids) and f"{ids[place]:016x}".startswith(word):
            entry = self._entry(order[place])
            if entry is not None and entry.id.startswith(id_prefix):
                found[entry.id] = entry  # of equal ones the newest: they are in the order of the file
            place += 1
        return next(iter(found.values())) if len(found) == 1 else None

    def _told(self, index: int) -> tuple[str, str, str] | None:
        """Kind, run and verdict of the line of a case; None if it is no row."""
        row: Mapping[str, Any] | None = self._rows.get(index)
        if row is None:
            told = verdict(self._line(index))
            if told is not None and told[2] in _VERDICTS:
                return told
            entry = self._entry(index)
            row = entry.row if entry is not None else None
        return None if row is None else (row["kind"], str(row.get("run")), row["verdict"])

    def _entry(self, index: int) -> Entry | None:
        if index in self._faulty:
            return None
        known = self._rows.get(index)
        if known is None:
            line = self._line(index)
            row = parse(line)
            wrong = "not JSON" if row is None else fault(row) if self._checked else ""
            if row is None or wrong:
                self._leave_aside(index, wrong)
                return None
            known = self._rows[index] = _Row(self._share(row) if self._checked else row, identity(line))
        return Entry(self._scan.numbers[index], known.id, known)

    def _share(self, row: dict[str, Any]) -> dict[str, Any]:
        """The row with parts that many rows have alike, as inputs are, the same object in all of them.

        The check of a row leaves no doubt of the types of these parts; elsewhere 1, 1.0 and true are equal and not the same.
        """
        row = {sys.intern(name): value for name, value in row.items()}
        for name in _WORDS.intersection(row):
            row[name] = sys.intern(row[name])
        for name in _PARTS.intersection(row):
            if row[name] is not None:
                row[name] = self._same_as(row[name])
        for name in _LISTS.intersection(row):
            row[name] = list(map(self._same_as, row[name]))
        return row

    def _same_as(self, part: dict[str, Any]) -> dict[str, Any]:
        if len(self._same) > _SHARED:
            self._same.clear()
        return self._same.setdefault(tuple(part.items()), part)

    def _is_about(self, entry: Entry, key: Key, index: int) -> bool:
        """Whether a row says what its line's beginning says; not where a line names a key twice."""
        if tuple(entry.row.get(name, "") for name in FIRST[3:]) == key:
            return True
        self._leave_aside(index, "says twice which case it is about")
        return False

    def _leave_aside(self, index: int, why: str) -> None:
        self._faulty.add(index)
        self._scan.problems.add(self._scan.numbers[index], f"{why}; left aside")

    def _by_id(self) -> tuple[array[int], array[int]]:
        """The beginnings of all ids in order, and the line of each."""
        if self._ids is None:
            ids = array("Q", (int(identity(self._line(index))[:_WORD], 16) for index in range(len(self._scan))))
            order = array("I", sorted(range(len(ids)), key=ids.__getitem__))
            self._ids = array("Q", (ids[index] for index in order)), order
        return self._ids


def read(path: Path) -> Ledger:
    """Read a ledger in one pass. A line that is no row of ours is reported and left aside; the others count.

    Raises:
        UsageProblem: the file is there and cannot be read.
    """
    opened = open_ledger(path)
    if opened is None:
        return Ledger(path, Scan(), _nothing, exists=False)
    descriptor, size = opened
    try:
        scan = scan_file(descriptor, size)
    except OSError as problem:
        os.close(descriptor)
        raise unreadable(path, problem) from None

    ledger = Ledger(path, scan, _reader(descriptor, scan))
    weakref.finalize(ledger, os.close, descriptor)
    return ledger


def _reader(descriptor: int, scan: Scan) -> Callable[[int], bytes]:
    """Gives the bytes of a line. What stands in a file already is never changed, so a block of it may be kept."""

    @lru_cache(maxsize=_BLOCKS)
    def block(number: int) -> bytes:
        return os.pread(descriptor, _BLOCK, number * _BLOCK)

    def line(index: int) -> bytes:
        start, length = scan.offsets[index], scan.lengths[index]
        number, within = divmod(start, _BLOCK)
        if within + length <= _BLOCK:
            return block(number)[within : within + length]
        return os.pread(descriptor, length, start)

    return line


def open_ledger(path: Path) -> tuple[int, int] | None:
    """A descriptor of a ledger and its size in bytes, at a moment when nobody writes to it; None if it is not there.

    Raises:
        UsageProblem: it is there and cannot be read.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageProblem(f"{path}: the ledger cannot be read: it is no regular file")
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as problem:
        raise unreadable(path, problem) from None
    try:
        with locked(descriptor, shared=True):  # else the end could be a line that is just being written
            return descriptor, os.fstat(descriptor).st_size
    except OSError as problem:
        os.close(descriptor)
        raise unreadable(path, problem) from None


def unreadable(path: Path, problem: Exception) -> UsageProblem:
    """Why a ledger cannot be read, for its user."""
    return UsageProblem(f"{path}: the ledger cannot be read: {getattr(problem, 'strerror', None) or problem}")


def _nothing(index: int) -> bytes:
    raise IndexError(index)
