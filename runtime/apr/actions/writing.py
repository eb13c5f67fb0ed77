"""Traces written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from apr.actions.lines import LIMIT, BadLine, parse
from apr.actions.naming import PART_SUFFIX
from apr.actions.rules import Session
from apr.actions.schema import check
from apr.actions.trace import Finding
from apr.errors import AprError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from apr.actions.trace import Record


class BrokenTrace(ValueError):
    """A program was about to write what no reader may accept: a bug of the program.

    Args:
        finding: what a reader would say.
    """

    def __init__(self, finding: Finding) -> None:
        super().__init__(f"no trace may say this: {finding}")
        self.finding = finding


class TraceWriter:
    """Writes a trace beside its place, and puts it there when it is complete.

    A context manager. Entering it shows that the place can be written; leaving it without `land` leaves the place as it was.

    Args:
        path: where the trace is to be; a link is followed, a file there is replaced.

    Raises:
        AprError: on entering, writing or landing: there is no such folder, no permission, no space left, or no regular file in
            the place.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = path
        self._part: Path | None = None
        self._file: IO[bytes] | None = None
        self._session = Session()
        self._line = 0

    @property
    def part(self) -> Path | None:
        """The file beside the place that holds what was written so far; None before the start and behind the end."""
        return self._part

    def __enter__(self) -> Self:
        with self._telling():
            self._place = Path(os.path.realpath(self.path))
            with contextlib.suppress(FileNotFoundError):  # what is not there yet is in nobody's way
                mode = self._place.stat().st_mode
                if not stat.S_ISREG(mode):
                    what = "a folder" if stat.S_ISDIR(mode) else "no regular file"
                    problem = f"is {what}; a trace cannot be written there"
                    raise AprError(problem, where=str(self.path), hint="name a file")
            part = self._place.with_name(f".{secrets.token_hex(8)}{PART_SUFFIX}")
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            self._file = os.fdopen(os.open(part, flags, 0o666), "wb")  # 0o666: as the umask allows
            self._part = part
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        file, part = self._file, self._part
        self._file = self._part = None
        if file is not None:
            with contextlib.suppress(OSError):  # what could not be written before is not wanted any more
                file.close()
        if part is not None:
            with self._telling():
                part.unlink(missing_ok=True)

    def write(self, record: Record) -> None:
        """Adds a record.

        Raises:
            BrokenTrace: a reader would refuse it, by itself or at this place.
            ValueError: the trace is not open: before the start, or behind the end.
            AprError: it cannot be written.
        """
        file = self._opened()
        self._line += 1
        line = self._checked(record)
        with self._telling():
            file.write(line)

    def land(self) -> None:
        """Puts the trace into its place; nothing can be written any more.

        Raises:
            BrokenTrace: the session has no end.
            AprError: it cannot be put there.
        """
        file, part = self._opened(), self._part
        self._session.close()
        self._refuse_findings()
        with self._telling():
            file.flush()
            os.fsync(file.fileno())
            file.close()
            if part is not None:
                part.replace(self._place)
            self._file = self._part = None
            _sync_folder(self._place.parent)

    def _checked(self, record: Record) -> bytes:
        """The record as a line, after it was read back as anybody would read it."""
        line = json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
        if len(line) > LIMIT:
            raise BrokenTrace(Finding(self._line, "$", "record-size", f"has {len(line)} bytes"))
        try:
            again = parse(line)
        except BadLine as bad:
            raise BrokenTrace(Finding(self._line, *bad.said)) from None
        fault = check(again)
        if fault is not None:
            raise BrokenTrace(Finding(self._line, fault.path, fault.rule, fault.problem))
        self._session.feed(self._line, again)
        self._refuse_findings()
        return line + b"\n"

    def _refuse_findings(self) -> None:
        if self._session.found:
            raise BrokenTrace(self._session.found[0])

    def _opened(self) -> IO[bytes]:
        if self._file is None:
            raise ValueError("the trace is not open")
        return self._file

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            problem = f"the trace cannot be written: {error.strerror or error}"
            raise AprError(problem, where=str(self.path), hint="nothing was left there; name another place") from error


def _sync_folder(folder: Path) -> None:
    """Makes a new name last; where folders cannot be synced there is no more to be done."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
