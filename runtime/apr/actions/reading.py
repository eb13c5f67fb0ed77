"""Traces read strictly, one line after the other, whatever their size."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, BinaryIO

from apr.actions.lines import BLANK, LIMIT, BadLine, open_trace, parse
from apr.actions.rules import Session
from apr.actions.schema import checker
from apr.actions.trace import Entry, Finding, InvalidTrace
from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CHUNK = 1 << 20
# magic number -> what unpacks it
_PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bzip2", b"\xfd7zXZ": "xz"}


def stream(path: Path) -> Iterator[Entry]:
    """The records of a trace one by one; that it is not cut off is known when the last has been taken.

    Raises:
        InvalidTrace: at the first thing that is wrong.
        UnusableInput: the file cannot be read.
    """
    with open_trace(path) as file:
        for found in walk(file, str(path)):
            if found.__class__ is Finding:
                raise InvalidTrace(str(path), found)
            yield found  # type: ignore[misc]  # mypy does not see through __class__, which costs half of isinstance


def read_trace(path: Path) -> list[Entry]:
    """All records of a trace.

    Raises:
        InvalidTrace: something is wrong with it.
        UnusableInput: the file cannot be read.
    """
    collects = gc.isenabled()
    gc.disable()  # records hold no cycles, and looking for some takes half as long again as reading
    try:
        return list(stream(path))
    finally:
        if collects:
            gc.enable()


def examine(path: Path) -> Iterator[Finding]:
    """Everything that is wrong with a trace, in the order of lines; at most one thing of the schema a record.

    Raises:
        UnusableInput: the file cannot be read.
    """
    with open_trace(path) as file:
        for found in walk(file, str(path)):
            if isinstance(found, Finding):
                yield found


def walk(file: BinaryIO, name: str) -> Iterator[Entry | Finding]:
    """Every record of a trace, and what is wrong, in the order of lines; what is found about a record stands before it.

    A line that is no record, or none of the schema, is not among the records, and nothing is said of other lines that may be its
    doing.

    Args:
        file: at its beginning.
        name: as messages call it.

    Raises:
        UnusableInput: it cannot be read any further.
    """
    session, check = Session(), checker()
    feed, found = session.feed, session.found
    for line, raw in _lines(file, name):
        if not isinstance(raw, bytes):
            yield raw
            session.gap(line)
            continue
        try:
            record = parse(raw)
        except BadLine as bad:
            yield Finding(line, *bad.said)
            session.gap(line)
            continue
        fault = check(record)
        if fault is not None:
            yield Finding(line, f"${fault.path}", fault.rule, fault.problem)
            session.gap(line)
            continue
        feed(line, record)
        if found:
            yield from found
            found.clear()
        yield Entry(line, record)
    session.close()
    yield from found


def _lines(file: BinaryIO, name: str) -> Iterator[tuple[int, bytes | Finding]]:
    """The lines that are not blank, without their ends; a finding for one that is not read."""
    line, read = 0, _reader(file, name)
    while raw := read(LIMIT + 2):
        line += 1
        if line == 1:
            strange = _strange(raw)
            if strange is not None:
                yield 1, strange
                return
        if len(raw) > LIMIT and len(raw.removesuffix(b"\n").removesuffix(b"\r")) > LIMIT:
            yield line, Finding(line, "$", "record-size", f"is longer than {LIMIT >> 20} MiB")
            while raw and not raw.endswith(b"\n"):
                raw = read(_CHUNK)
            continue
        content = raw.strip(BLANK)
        if content:
            yield line, content


def _strange(start: bytes) -> Finding | None:
    """Why a file that begins so is no text in UTF-8 without a mark; None where it may be."""
    if start.startswith(b"\xef\xbb\xbf"):
        return Finding(1, "$", "encoding", "the file begins with a byte order mark", "save it as UTF-8 without one")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Finding(1, "$", "encoding", "the file is text in UTF-16", "save it as UTF-8")
    program = next((program for magic, program in _PACKED.items() if start.startswith(magic)), None)
    if program is None:
        return None
    return Finding(1, "$", "encoding", "the file is packed", f"unpack it: {program} -dc FILE | ccpa validate -")


def _reader(file: BinaryIO, name: str) -> Callable[[int], bytes]:
    """Reads a line as far as a limit."""

    def read(limit: int) -> bytes:
        try:
            return file.readline(limit)
        except OSError as error:
            raise UnusableInput(f"cannot be read: {error.strerror}", where=name) from error

    return read
