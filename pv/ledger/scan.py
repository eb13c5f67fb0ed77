"""One pass over a ledger: the place, the key and the link of each line, without parsing the rows."""

from __future__ import annotations

import hashlib
import json
import os
import re
from array import array
from json.encoder import encode_basestring_ascii
from typing import TYPE_CHECKING

from pv.ledger.kinds import fault
from pv.ledger.line import FIRST, OF_CASES, OLDER, SCHEMA, newer, parse, previous, schema_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK = 1 << 22
_TOLD = 20

_TEXT = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_LINK = rb'\{"prev":"([0-9a-f]{64})","schema":"pv-ledger-v2","kind":'
_KEY = b",".join(b'"%b":%b' % (name.encode(), _TEXT) for name in FIRST[3:])
_CASE = re.compile(_LINK + rb'"(?:begin|case)","run":"[^"\\]*",(' + _KEY + rb")[,}]")
_PLAIN = re.compile(rb'[^\\\x00-\x1f\x80-\xff]*(?:\\["\\][^\\\x00-\x1f\x80-\xff]*)*')  # as we write it, for certain
_RUN = re.compile(_LINK + rb'"(?:run|environment|end)","run":"[^"\\]*"[,}]')


class Problems:
    """What is wrong with lines: the first of them each in words, the others as a number."""

    def __init__(self) -> None:
        self._lines: list[tuple[int, str]] = []
        self._more = self.older = 0
        self.broken = False  # whether a line does not hold on to what stands before it

    def add(self, number: int, text: str) -> None:
        """Say something of the line of this number."""
        if len(self._lines) < _TOLD:
            self._lines.append((number, text))
        else:
            self._more += 1

    def told(self, path: Path) -> list[str]:
        """One line of text a problem, in the order of the file."""
        texts = [f"{path}:{number}: {text}" for number, text in sorted(self._lines)]
        if self._more:
            texts.append(f"{path}: and {self._more} more")
        if self.older:
            lines = "line" if self.older == 1 else "lines"
            texts.append(f"{path}: {self.older} {lines} of {OLDER}, an older schema; left aside")
        return texts


class Scan:
    """The lines of a ledger: where each begins, how long it is, and which one before it has the same key."""

    def __init__(self) -> None:
        self.offsets, self.lengths, self.numbers = array("Q"), array("I"), array("I")
        self.before = array("i")
        self.last: dict[bytes, int] = {}
        self.of_runs = array("I")
        self.head = ""
        self.problems = Problems()

    def __len__(self) -> int:
        return len(self.numbers)

    def put(self, line: bytes, number: int, offset: int, key: bytes | None) -> None:
        """Take in a line that is one of ours; `key` is None if it is about a whole run."""
        index = len(self.numbers)
        self.numbers.append(number)
        self.offsets.append(offset)
        self.lengths.append(len(line))
        if key is None:
            self.of_runs.append(index)
            self.before.append(-1)
        else:
            self.before.append(self.last.get(key, -1))
            self.last[key] = index

    def drop(self) -> None:
        """Take out the newest line again."""
        index, before = len(self.numbers) - 1, self.before.pop()
        if self.of_runs and self.of_runs[-1] == index:
            self.of_runs.pop()
        else:
            key = next(key for key, newest in self.last.items() if newest == index)
            self.last[key] = before
            if before < 0:
                del self.last[key]
        for column in (self.numbers, self.offsets, self.lengths):
            column.pop()


def scan_file(descriptor: int, size: int) -> Scan:
    """The lines in the first `size` bytes of a file, each checked against what stands before it.

    Raises:
        OSError: it cannot be read.
    """
    one = _Pass()
    offset = 0
    for number, line in enumerate(lines_of(descriptor, size), 1):
        one.take(line, number, offset, whole=offset + len(line) < size)
        offset += len(line) + 1
    return one.end()


def key_text(contract: str, claim: str, params: str, mutant: str) -> bytes:
    """The part of a line that says which case it is about."""
    a, b, c, d = map(encode_basestring_ascii, (contract, claim, params, mutant))
    return f'"contract":{a},"claim":{b},"params":{c},"mutant":{d}'.encode("ascii")


class _Pass:
    """Where a pass over a file stands: the last line of ours, and what the next must hold on to.

    A line counts as one of ours as soon as it begins and ends like one. Where the next does not hold on to it, it is parsed,
    and if it is torn then it and the line before are what the next has to hold on to.
    """

    def __init__(self) -> None:
        self._scan = Scan()
        self._line: bytes | None = None
        self._since = hashlib.sha256()  # of all bytes from the start of the last line of ours
        self._expected = self._since.hexdigest().encode("ascii")
        self._head = b""
        self._older = self._since, self._head  # the same before the last line
        self._blank = True

    def take(self, line: bytes, number: int, offset: int, *, whole: bool) -> None:
        """Take in the next line; it is not whole if no newline ends it."""
        found = _CASE.match(line) or _RUN.match(line)
        if found is None or not whole or line[-1:] != b"}":
            self._take_odd(line, number, offset, whole=whole)
            return
        if found[1] != self._expected:
            self._check_break(found[1], number)
        self._accept(line)
        key = found[2] if found.lastindex == 2 else None
        if key is not None and key not in self._scan.last:
            key = _plain_key(key)
        self._scan.put(line, number, offset, key)

    def end(self) -> Scan:
        """What was taken in."""
        self._drop_torn()
        self._scan.head = self._head.decode("ascii")
        return self._scan

    def _accept(self, line: bytes) -> None:
        self._older = self._since, self._head
        self._line, self._blank = line, False
        self._since = hashlib.sha256(line)
        self._head = self._expected = self._since.hexdigest().encode("ascii")

    def _skip(self, line: bytes) -> None:
        """Let a line count only as something that stands between those of ours."""
        self._drop_torn()
        self._since.update(line if self._blank else b"\n" + line)
        self._expected = self._since.hexdigest().encode("ascii")
        self._blank = False

    def _drop_torn(self) -> None:
        """Put aside the last line if it only looked whole."""
        line, self._line = self._line, None
        if line is None or parse(line) is not None:
            return
        self._scan.problems.add(self._scan.numbers[-1], "not JSON; left aside")
        self._scan.drop()
        self._since, self._head = self._older
        self._skip(line)

    def _check_break(self, held: bytes, number: int) -> None:
        self._drop_torn()
        if held != self._expected:
            why = "the chain is broken: what stands before this line was changed, or is missing"
            self._scan.problems.add(number, why)
            self._scan.problems.broken = True

    def _take_odd(self, line: bytes, number: int, offset: int, *, whole: bool) -> None:
        row = parse(line)
        if row is None:
            self._skip(line)
            if line.strip():
                self._complain(line, number, whole=whole)
            return
        held = previous(line).encode("ascii")
        if held != self._expected:
            self._check_break(held, number)
        self._accept(line)
        wrong = fault(row)
        if wrong:
            self._scan.problems.add(number, f"{wrong}; left aside")
            self._line = None  # it is in no index
            return
        key = key_text(*(row[name] for name in FIRST[3:])) if row["kind"] in OF_CASES else None
        self._scan.put(line, number, offset, key)

    def _complain(self, line: bytes, number: int, *, whole: bool) -> None:
        if not whole:
            self._scan.problems.add(number, "the last line is torn; left aside")
            return
        named = schema_of(line)
        if named is None:
            self._scan.problems.add(number, "not JSON; left aside")
        elif named == OLDER:
            self._scan.problems.older += 1
        elif newer(line):
            self._scan.problems.add(
                number, f"of {named}, which a newer pv has written; left aside: update pv to read it"
            )
        else:
            self._scan.problems.add(number, f"not a line of {SCHEMA}; left aside")


def _plain_key(text: bytes) -> bytes:
    """The key as we write it, whatever way its characters were escaped; as it is where it is not JSON."""
    if _PLAIN.fullmatch(text):
        return text
    try:
        return key_text(*json.loads(b"{" + text + b"}").values())
    except ValueError:
        return text


def lines_of(descriptor: int, size: int) -> Iterator[bytes]:
    """The lines of a file without their newlines; the last one also if it has none, but not if it is empty."""
    pieces: list[bytes] = []
    at = 0
    while at < size:
        data = os.pread(descriptor, min(_BLOCK, size - at), at)
        if not data:
            raise OSError("it became shorter while it was read")
        at += len(data)
        first, *rest = data.split(b"\n")
        pieces.append(first)
        if rest:
            yield b"".join(pieces)
            yield from rest[:-1]
            pieces = rest[-1:]
    if any(pieces):
        yield b"".join(pieces)
