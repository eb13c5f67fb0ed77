"""Running a program in there, from out here."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import cache
from typing import IO, TYPE_CHECKING, Any, Self

from apr.errors import AprError, UnusableInput
from apr.sandbox.report import Attempt, Confined, Isolation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

_KEPT = 8 << 20  # bytes of each of the two outputs
_PIECE = 1 << 16
_PATIENCE = 10.0  # seconds for ending what was started, or for finding out what the machine allows


@cache
def machine() -> Isolation:
    """What this machine allows; it is tried, not guessed, once in a process."""
    if sys.platform != "linux":
        absent = "there are no network namespaces on this system, only on Linux"
        return Isolation(absent, absent, absent)
    with _Warden(None) as warden:
        warden.follow(_PATIENCE, None)
        said = warden.said
    reasons = next((line["machine"] for line in said if "machine" in line), None)
    if reasons is None:
        broken = f"trying it failed: {warden.last_words()}"
        return Isolation(broken, broken, broken)
    return Isolation(**reasons)


def available() -> str | None:
    """None where a program can be kept from the network on this machine, else the reason why not."""
    return machine().network


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout: float | None = None,
    watch: bool = True,
    isolate: bool | None = None,
    on_wait: Callable[[], None] | None = None,
) -> Confined:
    """Runs a program where only loopback exists, and lists what it and all that it starts tried to reach.

    It gets a session of its own, and files as they are: only the network is kept from it. When it has ended, what it left
    running is ended, too; so is everything if this call is interrupted or this process dies.

    Args:
        argv: the program and its arguments; the program is looked for in `env`'s PATH.
        cwd: where it runs.
        env: its environment; None gives it this process's.
        stdin: what it reads as its standard input.
        timeout: seconds after which all of it is ended; None waits.
        watch: list attempts, where the machine allows it.
        isolate: True refuses to run it with a network; None keeps the network from it where the machine allows that, as
            `Confined.isolation` says; False lets it have the network.
        on_wait: called about ten times a second, so that somebody can be told that it takes its time.

    Raises:
        AprError: isolation was asked for, and the machine does not allow it; nothing was run.
        UnusableInput: the program or `cwd` cannot be used.
    """
    allowed = machine()
    if isolate and not allowed.isolated:
        raise AprError(
            f"the network cannot be kept from a program on this machine: {allowed.network}",
            hint="run it on a Linux machine where `unshare --user --net true` works",
        )
    network = allowed.isolated and isolate is not False
    here = Isolation(
        network=None if network else allowed.network or "the program was to have the network",
        watching=(allowed.watching if watch else "nobody was to watch"),
        names=(allowed.names if network else "names are served inside a network namespace only"),
    )
    request = {
        "argv": [os.fspath(word) for word in argv],
        "cwd": os.fspath(cwd),
        "env": dict(os.environ if env is None else env),
        "network": network,
        "names": here.names is None,
        "watch": here.watching is None,
    }
    with _Warden(request, stdin) as warden:
        timed_out = warden.follow(timeout, on_wait)
    return _confined(warden, here, timed_out=timed_out)


def _confined(warden: _Warden, here: Isolation, *, timed_out: bool) -> Confined:
    tries: dict[Attempt, int] = {}
    for line in warden.said:
        if "attempt" in line:
            attempt = Attempt(**line["attempt"])
            tries[attempt] = tries.get(attempt, 0) + 1
    refused = next((line["refused"] for line in warden.said if "refused" in line), None)
    if refused is not None:
        raise UnusableInput(f"the program cannot be run: {refused}")
    status = next((line["ended"] for line in warden.said if "ended" in line), None)
    if status is None:
        raise AprError(f"what confines the program ended before it: {warden.last_words()}")
    attempts = tuple(replace(attempt, times=count) for attempt, count in tries.items())
    return Confined(
        returncode=status,
        stdout=warden.out.text(),
        stderr=warden.err.text(),
        attempts=attempts if here.watching is None else None,
        isolation=here,
        timed_out=timed_out,
        dropped=warden.out.dropped + warden.err.dropped,
    )


class _Kept:
    """The beginning and the end of an output; what lies between is counted only."""

    def __init__(self) -> None:
        self._head, self._tail = bytearray(), bytearray()
        self.dropped = 0

    def add(self, piece: bytes) -> None:
        """Takes what was read."""
        room = _KEPT // 2 - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:] if room else piece
        if len(self._tail) > _KEPT:  # now and then, so that it costs little
            self._cut()

    def _cut(self) -> None:
        beyond = max(0, len(self._tail) - _KEPT // 2)
        self.dropped += beyond
        del self._tail[:beyond]

    def text(self) -> str:
        """What was kept."""
        self._cut()
        return (self._head + self._tail).decode("utf-8", "replace")


class _Warden:
    """The process that confines, as seen from here.

    Args:
        request: what it is to do, see `apr.sandbox.warden`.
        stdin: what the program is to read.

    Attributes:
        said: the lines of its report.
        out, err: what the program wrote.
    """

    def __init__(self, request: dict[str, Any] | None, stdin: bytes = b"") -> None:
        self._request, self._stdin = request, stdin
        self.said: list[dict[str, Any]] = []
        self.out, self.err = _Kept(), _Kept()

    def __enter__(self) -> Self:
        read_control, control = os.pipe()
        report, write_report = os.pipe()
        self._control: IO[bytes] | None = os.fdopen(control, "wb", buffering=0)
        self._report = os.fdopen(report, "rb", buffering=0)
        try:
            with tempfile.TemporaryFile() as given:  # a pipe would have to be fed
                given.write(self._stdin)
                given.seek(0)
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "apr.sandbox.warden", str(read_control), str(write_report)],
                    stdin=given,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    pass_fds=(read_control, write_report),
                    start_new_session=True,
                )
        except BaseException:
            self._control.close()
            self._report.close()
            raise
        finally:
            os.close(read_control)
            os.close(write_report)
        return self

    def follow(self, timeout: float | None, on_wait: Callable[[], None] | None) -> bool:
        """Waits until it is over and everything is read; true if it had to be ended."""
        if self._control is None or self._process.stdout is None or self._process.stderr is None:
            raise ValueError("it has not been started")
        with contextlib.suppress(BrokenPipeError):  # it ended at once; what it said is read below
            self._control.write(json.dumps(self._request).encode() + b"\n")
        until = None if timeout is None else time.monotonic() + timeout
        ended_by_us = False
        given_up: float | None = None
        lines = bytearray()
        with selectors.DefaultSelector() as ready:
            ready.register(self._process.stdout, selectors.EVENT_READ, self.out.add)
            ready.register(self._process.stderr, selectors.EVENT_READ, self.err.add)
            ready.register(self._report, selectors.EVENT_READ, lines.extend)
            while ready.get_map():
                now = time.monotonic()
                if until is not None and not ended_by_us and now >= until:
                    self._stop()
                    ended_by_us = True
                # the program may stop or kill its warden; what it left then would hold the outputs open for as long as it likes
                if given_up is None and (ended_by_us or self._process.poll() is not None):
                    given_up = now + _PATIENCE
                if given_up is not None and now >= given_up:
                    self._process.kill()
                    break
                for key, _ in ready.select(0.1):
                    piece = os.read(key.fd, _PIECE)
                    if piece:
                        key.data(piece)
                    else:
                        ready.unregister(key.fileobj)
                if on_wait is not None:
                    on_wait()
        self._process.wait()
        self.said += [json.loads(line) for line in lines.splitlines()]
        return ended_by_us

    def last_words(self) -> str:
        """What it wrote last before it went wrong."""
        lines = self.err.text().strip().splitlines()
        return lines[-1] if lines else f"exit code {self._process.returncode}"

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None

    def __exit__(self, *_: object) -> None:
        self._stop()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._report, self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
