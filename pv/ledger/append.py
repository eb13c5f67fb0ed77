"""Appending to a ledger: whole lines, each chained to the one before, by one writer at a time."""

from __future__ import annotations

import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, Any

from pv.ledger.line import chain, link, parse, write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path
    from types import ModuleType

try:
    import fcntl as _fcntl
except ImportError:  # not on this platform; O_APPEND alone keeps lines whole there
    fcntl: ModuleType | None = None
else:
    fcntl = _fcntl

_BLOCK = 1 << 16

# What this process knows of the ends of ledgers: by device and inode, the size and time of the last change, and the hash
# that the next line must hold. Whatever another process appends makes the size another one.
_ends: dict[tuple[int, int], tuple[int, int, str]] = {}


def append(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Append rows as whole lines in one write; after a torn line, on a fresh one. All of them are appended, or none.

    Raises:
        OSError: the ledger cannot be written.
    """
    texts = [write(row) for row in rows]
    if not texts:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no regular file")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        with locked(descriptor):
            _append(descriptor, texts)
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """See to it that what was appended survives a power cut.

    Raises:
        OSError: the ledger cannot be written.
    """
    _sync(path, os.O_RDWR)
    with contextlib.suppress(OSError):  # that the file is there at all; not every system can promise it
        _sync(path.parent, os.O_RDONLY)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def locked(descriptor: int, *, shared: bool = False) -> Iterator[None]:
    """Keep other processes that append out, for the time of a `with`."""
    if fcntl is None:
        yield
        return
    fcntl.flock(descriptor, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _append(descriptor: int, texts: list[bytes]) -> None:
    state = os.fstat(descriptor)
    file, end = (state.st_dev, state.st_ino), state.st_size
    known = _ends.get(file)
    previous = known[2] if known and known[:2] == (end, state.st_mtime_ns) else _last_link(descriptor, end)
    lines = [b""] if end and os.pread(descriptor, 1, end - 1) != b"\n" else []
    for text in texts:
        lines.append(chain(text, previous))
        previous = link(lines[-1])
    try:
        _write_all(descriptor, b"\n".join([*lines, b""]))
    except OSError:
        with contextlib.suppress(OSError):  # then a torn line stays, which is left aside
            os.ftruncate(descriptor, end)
        raise
    state = os.fstat(descriptor)
    _ends[file] = (state.st_size, state.st_mtime_ns, previous)


def _write_all(descriptor: int, data: bytes) -> None:
    """Write it all; what a full disk did not take is asked for once more, because only that says why."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _last_link(descriptor: int, end: int) -> str:
    """The hash of everything from the start of the last line that is one of ours; without any, from the start of the file."""
    start = _last_line(descriptor, end)
    stop = end - 1 if end and os.pread(descriptor, 1, end - 1) == b"\n" else end
    total = hashlib.sha256()
    while start < stop:
        data = os.pread(descriptor, min(stop - start, _BLOCK), start)
        if not data:
            raise OSError("the ledger became shorter while it was read")
        total.update(data)
        start += len(data)
    return total.hexdigest()


def _last_line(descriptor: int, end: int) -> int:
    """Where the last whole line that is one of ours begins; 0 if there is none. Only the end of the file is read for it."""
    rest, start, size = b"", end, _BLOCK
    while start:
        begin = max(0, start - size)
        data = os.pread(descriptor, start - begin, begin)
        # of a line without end ever more, so that it is not copied too often
        size = _BLOCK if b"\n" in data else size * 2
        start, place = begin, begin + len(data) + len(rest)
        rest, *lines = (data + rest).split(b"\n")  # the first may begin further up; and if it does not, it begins at 0
        for line in reversed(lines):
            place -= len(line)
            if parse(line) is not None:
                return place
            place -= 1
    return 0
