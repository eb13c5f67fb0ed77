"""`python -m apr.sandbox.warden CONTROL REPORT`: enters the namespaces, starts the program, watches it, and ends what is left of it.

A process of its own, since who makes a user namespace may have one thread only, and does not come back from it. It reads one JSON
line from CONTROL and ends everything when CONTROL is closed, so nothing outlives who asked. It writes JSON lines to REPORT:
`{"machine": …}` if it only has to find out what the machine allows, else `{"attempt": …}` for each attempt, and at the end
`{"ended": status}` or `{"refused": reason}`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import sys
import time
from typing import IO, TYPE_CHECKING, Any

from apr.sandbox import kernel, names, numbers
from apr.sandbox.asked import Askers
from apr.sandbox.namespaces import Refused, enter_network, serve_names
from apr.sandbox.overseeing import oversee
from apr.sandbox.starting import start
from apr.sandbox.watching import Watcher

if TYPE_CHECKING:
    from apr.sandbox.report import Attempt

_COARSE = 5  # CLOCK_REALTIME_COARSE
_DISCARD = 9  # a port of loopback; whether somebody listens there makes no difference


def main() -> int:
    """Does what CONTROL says; what came of it is in REPORT."""
    control, report = int(sys.argv[1]), int(sys.argv[2])
    for number in (signal.SIGTERM, signal.SIGINT):  # who asked closes CONTROL instead
        signal.signal(number, signal.SIG_IGN)
    for descriptor in (control, report):
        os.set_inheritable(descriptor, False)
    with os.fdopen(control, "rb", buffering=0) as commands, os.fdopen(report, "w", encoding="ascii") as said:
        line = commands.readline()
        if not line.endswith(b"\n"):
            return 0  # who asked is gone
        request = json.loads(line)
        try:
            if request is None:
                _say(said, machine=_machine(control))
            else:
                _say(said, ended=_Run(request, control, said).result())
        except Refused as refused:
            _say(said, refused=str(refused))
    return 0


def _say(report: IO[str], **content: Any) -> None:
    with contextlib.suppress(BrokenPipeError):  # who is gone needs no report
        report.write(json.dumps(content) + "\n")
        report.flush()


def _machine(control: int) -> dict[str, str | None]:
    """What the machine allows: None, or the reason why not. Everything is tried."""
    reasons: dict[str, str | None] = dict.fromkeys(("network", "watching", "names"))
    seen: list[Attempt] = []
    try:  # first, since behind half a namespace this process is not what it was
        since = _now()
        started = start(_knock, watch=True, confine=False)
        watcher = Watcher(started.listener, seen.append, lambda *_: None, name_server=None, refuse=False, since=since)
        oversee(started, control, watcher, None)
        if [(attempt.port, attempt.protocol) for attempt in seen] != [(_DISCARD, "tcp")]:
            reasons["watching"] = "a connection was tried, and not seen"
    except (OSError, Refused) as error:
        reasons["watching"] = str(error)
    try:
        enter_network()
    except Refused as refused:
        reasons["network"] = str(refused)
        reasons["names"] = "there is no network namespace to serve names in"
        return reasons
    try:
        serve_names().close()
    except Refused as refused:
        reasons["names"] = str(refused)
    return reasons


def _now() -> int:
    """Nanoseconds on the coarse clock, by which files get their times."""
    return time.clock_gettime_ns(_COARSE)


def _knock() -> None:
    with socket.socket() as knocking:
        knocking.settimeout(1)
        with contextlib.suppress(OSError):
            knocking.connect(("127.0.0.1", _DISCARD))


class _Run:
    """One run of a program, see `apr.sandbox.running.run`."""

    def __init__(self, request: dict[str, Any], control: int, report: IO[str]) -> None:
        self._request, self._control, self._report = request, control, report

    def result(self) -> int:
        """Runs it to its end.

        Returns:
            Its exit code, negative for a signal.

        Raises:
            Refused: the machine does not allow something that was asked for, or the program cannot be started.
        """
        wanted = self._request
        if wanted["network"]:
            enter_network()
        server = serve_names() if wanted["names"] else None
        askers = Askers(server, self._tell) if server is not None else None
        since = _now()
        started = start(self._execute, watch=wanted["watch"], confine=wanted["network"])
        # behind the start, which has to reach into the child: the program may not reach into us, and change what we say of it
        kernel.prctl(numbers.PR_SET_DUMPABLE, 0)
        watcher = None
        if wanted["watch"]:
            watcher = Watcher(
                started.listener,
                self._tell,
                askers.turned_to_us if askers is not None else lambda *_: None,
                name_server=names.ADDRESS if askers is not None else None,
                refuse=wanted["network"],
                since=since,
            )
        return oversee(started, self._control, watcher, askers)

    def _execute(self) -> None:
        os.chdir(self._request["cwd"])
        argv = self._request["argv"]
        os.execvpe(argv[0], argv, self._request["env"])  # noqa: S606 - an argument vector, no shell

    def _tell(self, attempt: Attempt) -> None:
        _say(self._report, attempt=dataclasses.asdict(attempt))


if __name__ == "__main__":
    sys.exit(main())
