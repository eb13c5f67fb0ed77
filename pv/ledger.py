"""The ledger: one line of JSON for each run of a falsifier, appended and never changed."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pv.row import begin_is_over, fault, key
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import ModuleType

SCHEMA = "pv-ledger-v1"

try:
    import fcntl as _fcntl
except ImportError:  # not on this platform; O_APPEND alone keeps lines whole there
    fcntl: ModuleType | None = None
else:
    fcntl = _fcntl


@dataclass(frozen=True)
class Ledger:
    """What a ledger file holds: its rows, and what could not be read as one."""

    path: Path
    rows: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    exists: bool = True


def append(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    """Append rows as whole lines in one write; after a torn line, on a fresh one.

    Raises:
        OSError: the ledger cannot be written.
    """
    lines = "".join(json.dumps({"schema": SCHEMA, **row}, sort_keys=True) + "\n" for row in rows).encode()
    if not lines:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no regular file")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        with _locked(descriptor):
            end = os.lseek(descriptor, 0, os.SEEK_END)
            if end and os.pread(descriptor, 1, end - 1) != b"\n":
                lines = b"\n" + lines
            written = os.write(descriptor, lines)
            if written != len(lines):
                raise OSError(f"only {written} of {len(lines)} bytes were written")
    finally:
        os.close(descriptor)


def sync(path: Path) -> None:
    """See to it that what was appended survives a power cut.

    Raises:
        OSError: the ledger cannot be written.
    """
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> Ledger:
    """Read a ledger. A line that is no row of ours is reported and left aside; the others count.

    A row that says only that a run began counts as long as no later row of the same run says how it ended.

    Raises:
        UsageProblem: the file is there and cannot be read.
    """
    try:
        regular = stat.S_ISREG(path.stat().st_mode)
        raw = path.read_bytes() if regular else b""
    except FileNotFoundError:
        return Ledger(path, exists=False)
    except (OSError, ValueError) as problem:
        why = getattr(problem, "strerror", None) or problem
        raise UsageProblem(f"{path}: the ledger cannot be read: {why}") from None
    if not regular:
        raise UsageProblem(f"{path}: the ledger cannot be read: it is no regular file")
    ledger = Ledger(path)
    lines = raw.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        torn = number == len(lines)
        try:
            row = json.loads(line, parse_constant=_refuse)
        except (ValueError, RecursionError):
            what = "the last line is torn" if torn else "not JSON"
            ledger.problems.append(f"{path}:{number}: {what}; left aside")
            continue
        if not isinstance(row, dict) or row.get("schema") != SCHEMA:
            ledger.problems.append(f"{path}:{number}: not a line of {SCHEMA}; left aside")
        elif wrong := fault(row):
            ledger.problems.append(f"{path}:{number}: {wrong}; left aside")
        else:
            ledger.rows.append(row)
    _drop_begins_that_ended(ledger.rows)
    return ledger


def _drop_begins_that_ended(rows: list[dict[str, Any]]) -> None:
    ended: set[tuple[Any, ...]] = set()
    for index in range(len(rows) - 1, -1, -1):
        if begin_is_over(rows[index], ended):
            del rows[index]
        elif not rows[index].get("begun"):
            ended.add(key(rows[index]))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number of JSON")


@contextlib.contextmanager
def _locked(descriptor: int) -> Iterator[None]:
    if fcntl is None:
        yield
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)
