"""One line on a terminal that says how far something is, once it takes its time."""

from __future__ import annotations

import sys
import time

_PATIENCE = 2.0  # seconds without a word
_EVERY = 0.1  # seconds between two


class Progress:
    """Says on standard error how many of how many are done, if that is a terminal."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._wanted = sys.stderr is not None and sys.stderr.isatty()
        self._next = time.monotonic() + _PATIENCE
        self._shown = False

    def __call__(self, done: int, of: int) -> None:
        """Say it, unless it was said a moment ago."""
        if self._wanted and time.monotonic() >= self._next:
            sys.stderr.write(f"\r{self._what}: {done:,} of {of:,}")
            sys.stderr.flush()
            self._next = time.monotonic() + _EVERY
            self._shown = True

    def clear(self) -> None:
        """Take the line away again, so that something else can be written."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False
