"""One line below pytest's own that says how far a long falsifier is: on a terminal only, and gone when the falsifier is done."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

import pytest

from pv.pytest_plugin.project import RUN
from pv.report.console import Paint, can_write, cut, escape

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pv.pytest_plugin.project import Run

_INTERVAL = 0.1  # seconds between two pictures
_BAR, _UNKNOWN = 20, 80  # columns

# The line below the cursor's is used, because pytest has not ended its own: down with a scroll if need be and up again,
# remember the place, down, and back to the place afterwards.
_BELOW, _BACK = "\x1bD\x1bM\x1b7\x1bD\r\x1b[2K", "\x1b8"


class ProgressLine:
    """Shows what falsifiers say of their progress."""

    def __init__(self, descriptor: int, encoding: str | None, paint: Paint) -> None:
        self._descriptor, self._paint = descriptor, paint
        self._full, self._empty = ("█", "░") if can_write("█░", encoding) else ("#", ".")
        self._encoding = encoding or "utf-8"
        self._shown, self._next = False, 0.0

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Listen to a falsifier, and to the fixtures that it asked for."""
        run = item.stash.get(RUN, None)
        if run is not None:
            run.evidence.on_progress = self._listener(run)
        return (yield from self._until_over())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Clear the line before pytest says how it went."""
        return (yield from self._until_over())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, object, object]:
        """The same."""
        return (yield from self._until_over())

    def tell(self, done: int, total: int, text: str) -> None:
        """Show how far something is that takes several items."""
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _INTERVAL
            self._show(done, total, escape(text))

    def clear(self) -> None:
        """Take the line away."""
        self._clear()

    def pytest_unconfigure(self) -> None:
        """Give the terminal back."""
        os.close(self._descriptor)

    def _until_over(self) -> Generator[None, object, object]:
        try:
            return (yield)
        finally:
            self._clear()

    def _listener(self, run: Run) -> Callable[[int, int | None, str], None]:
        name = run.claim.id + (f"[{run.case.label}]" if run.case.label else "")

        def listen(done: int, total: int | None, what: str) -> None:
            now = time.monotonic()
            if now >= self._next:
                self._next = now + _INTERVAL
                self._show(done, total, f"{escape(name)}: {escape(what)}")

        return listen

    def _show(self, done: int, total: int | None, text: str) -> None:
        share = min(max(done / total, 0.0), 1.0) if total else None
        bar, amount = "", f"{done}" if total is None else f"{done}/{total}"
        if share is not None:
            full = int(share * _BAR)
            bar = self._paint(self._full * full, "green") + self._empty * (_BAR - full) + " "
        room = self._columns() - 1 - (_BAR + 1 if bar else 0)  # the last column would begin a new line
        self._write(bar + cut(f"{amount} {text}", room))
        self._shown = True

    def _clear(self) -> None:
        if self._shown:
            self._shown = False
            self._write("")

    def _columns(self) -> int:
        """Of the terminal itself: while a test runs, standard output is another file."""
        try:
            return os.get_terminal_size(self._descriptor).columns or _UNKNOWN
        except OSError:
            return _UNKNOWN

    def _write(self, text: str) -> None:
        picture = f"{_BELOW}{text}{_BACK}".encode(self._encoding, "replace")
        try:
            os.write(self._descriptor, picture)
        except OSError:  # the terminal has gone; that is no business of a verdict
            self._shown = False


def progress_line(config: pytest.Config) -> ProgressLine | None:
    """The line, if anybody can see it: standard output is a terminal that can move its cursor, and nobody asked for quiet.

    What runs in workers of pytest-xdist has no terminal, and pytest shows those by itself.
    """
    stream = sys.stdout  # pytest captures it while tests run, so the terminal is taken now
    if hasattr(config, "workerinput") or config.get_verbosity() < 0 or stream is None or not stream.isatty():
        return None
    if os.environ.get("TERM", "dumb") == "dumb" or os.name != "posix":
        return None
    return ProgressLine(os.dup(stream.fileno()), stream.encoding, Paint.for_stream(stream))
