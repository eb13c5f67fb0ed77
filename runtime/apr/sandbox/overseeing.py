"""Until a program has ended: its questions are answered, and whoever asked for it may call it off."""

from __future__ import annotations

import os
import select
import signal
from typing import TYPE_CHECKING

from apr.sandbox.namespaces import Refused
from apr.sandbox.starting import end_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.sandbox.asked import Askers
    from apr.sandbox.starting import Started
    from apr.sandbox.watching import Watcher

_MOST_NEWS = 4096


def oversee(started: Started, control: int, watcher: Watcher | None, askers: Askers | None) -> int:
    """Waits for a program's end, and ends what it leaves running.

    Args:
        started: the program.
        control: becomes readable, or is closed, when it is to be ended.
        watcher: answers questions about its calls.
        askers: answers questions for names.

    Returns:
        The program's exit code, negative for a signal.

    Raises:
        Refused: the program could not be started; the message says why.
    """
    overseer = _Overseer(started, control)
    try:
        if watcher is not None:
            overseer.answers[started.listener] = watcher.answer
        if askers is not None:
            overseer.answers[askers.fileno()] = askers.serve
        status = overseer.wait()
    finally:
        end_all()
        overseer.close()
    if askers is not None:
        askers.serve()  # what was asked last, and its answer not waited for
    if overseer.problem:
        raise Refused(overseer.problem.decode("utf-8", "replace"))
    return status


class _Overseer:
    """Descriptors, and what is to be done when one of them becomes readable.

    Attributes:
        answers: the descriptors, each with what it asks for.
        problem: why the program could not be started; empty if it was.
    """

    def __init__(self, started: Started, control: int) -> None:
        self._started, self._control = started, control
        self._ended = os.pidfd_open(started.pid)
        self._status: int | None = None
        self.problem = b""
        self.answers: dict[int, Callable[[], None]] = {
            started.news: self._hear,
            control: self._call_off,
            self._ended: self._bury,
        }

    def wait(self) -> int:
        """Does what is asked for until the program has ended; its exit code."""
        while self._status is None:
            poll = select.poll()
            for descriptor in self.answers:
                poll.register(descriptor, select.POLLIN)
            for descriptor, event in poll.poll():
                if descriptor == self._started.listener and not event & select.POLLIN:
                    del self.answers[descriptor]  # nobody is left who could ask
                else:
                    self.answers[descriptor]()
        return self._status

    def _hear(self) -> None:
        news = os.read(self._started.news, _MOST_NEWS)
        self.problem += news
        if not news:
            del self.answers[self._started.news]

    def _call_off(self) -> None:
        del self.answers[self._control]
        os.kill(self._started.pid, signal.SIGKILL)

    def _bury(self) -> None:
        self._status = os.waitstatus_to_exitcode(os.waitpid(self._started.pid, 0)[1])

    def close(self) -> None:
        """Closes what was opened for this program."""
        listening = [self._started.listener] if self._started.listener >= 0 else []
        for descriptor in (self._started.news, self._ended, *listening):
            os.close(descriptor)
