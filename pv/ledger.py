"""The ledger: one line of JSON for each run of a falsifier, appended and never changed."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

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

    Raises:
        UsageProblem: the file is there and cannot be read.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return Ledger(path, exists=False)
    except OSError as problem:
        raise UsageProblem(f"{path}: the ledger cannot be read: {problem.strerror}") from None
    ledger = Ledger(path)
    lines = raw.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        torn = number == len(lines)
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            what = "the last line is torn" if torn else "not JSON"
            ledger.problems.append(f"{path}:{number}: {what}; left aside")
            continue
        if not isinstance(row, dict) or row.get("schema") != SCHEMA:
            ledger.problems.append(f"{path}:{number}: not a line of {SCHEMA}; left aside")
        elif not all(isinstance(row.get(key), str) for key in ("contract", "claim", "params", "mutant", "verdict")):
            ledger.problems.append(f"{path}:{number}: names no contract, claim or verdict; left aside")
        else:
            ledger.rows.append(row)
    return ledger


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
