"""The process that stands between us and a command, so that nothing the command started is left behind.

`python -m apr.agent.warden DESCRIPTOR`: the request is a JSON object in the open file, and the answer replaces it there; see
`apr.agent.processes`, which starts it. On Linux it takes over what its descendants leave behind (`PR_SET_CHILD_SUBREAPER`), so
a child that made a session of its own is found as well; it ends all of them when the command has ended, when time is up,
when it is told to (SIGTERM), and when the process that started it is gone. While the command runs, the answer is the number of its session.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

_PDEATHSIG, _SUBREAPER = 1, 36  # prctl options
_NOTICED = frozenset({signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_PROC = Path("/proc")
_PATIENCE = 5.0  # seconds for what was killed to be gone
_CANNOT = 127  # the exit code of shells for a program that cannot be run
_LIMITS = {
    "memory": resource.RLIMIT_AS,
    "file_bytes": resource.RLIMIT_FSIZE,
    "processes": resource.RLIMIT_NPROC,
    "core": resource.RLIMIT_CORE,
}


def main() -> int:
    """Runs the command of the request and writes down how it ended."""
    control = int(sys.argv[1])
    os.set_inheritable(control, False)
    with open(control, "r+", encoding="utf-8", closefd=False) as file:
        request = json.load(file)
    signal.pthread_sigmask(signal.SIG_BLOCK, _NOTICED)
    _prctl(_SUBREAPER, 1)
    _prctl(_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != request["parent"]:  # it went before we could ask to be told
        return 0
    command = os.fork()
    if command == 0:
        _become(request)
    _write(control, {"session": command})
    watch = _Watch(command)
    why = watch.wait(request["seconds"])
    left = watch.end_all()
    answer = {"exit_code": watch.exit_code, "why": why, "left": left}
    _write(control, answer)
    return 0


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _write(control: int, answer: dict[str, Any]) -> None:
    with open(control, "r+", encoding="utf-8", closefd=False) as file:
        file.seek(0)
        file.truncate()
        json.dump(answer, file)


def _become(request: dict[str, Any]) -> None:
    """Turns this process into the command, with its limits, in a session of its own; never returns."""
    try:
        _prctl(_PDEATHSIG, signal.SIGKILL)  # should its watcher be killed
        os.setsid()
        os.chdir(request["cwd"])
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _NOTICED)
        for name in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores or handles these
            signal.signal(name, signal.SIG_DFL)
        for name, value in request["limits"].items():
            _, hard = resource.getrlimit(_LIMITS[name])
            allowed = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(_LIMITS[name], (allowed, allowed))
        os.execvpe(request["argv"][0], request["argv"], request["env"])  # noqa: S606 - no shell is wanted
    except OSError as error:
        os.write(2, f"{request['argv'][0]} cannot be run: {error.strerror}\n".encode(errors="backslashreplace"))
    finally:
        os._exit(_CANNOT)


class _Watch:
    """A command, and everything that came of it.

    Attributes:
        exit_code: of the command, as shells count it; None until it has ended.
    """

    def __init__(self, command: int) -> None:
        self._command = command
        self.exit_code: int | None = None

    def wait(self, seconds: float) -> str:
        """Waits for the command; returns why the waiting ended: `ended`, `time` or `told`."""
        until = time.monotonic() + seconds
        while True:
            seen = signal.sigtimedwait(_NOTICED, max(until - time.monotonic(), 0.0))
            if seen is None:
                return "time"
            if seen.si_signo != signal.SIGCHLD:
                return "told"
            self._reap()
            if self.exit_code is not None:
                return "ended"

    def end_all(self) -> int:
        """Ends everything that descends from this process; returns how many outlived that: they run as somebody else."""
        until = time.monotonic() + _PATIENCE
        stopped: set[int] = set()
        while found := self._descendants() - stopped:  # what is stopped starts nothing new
            self._send(found, signal.SIGSTOP)
            stopped |= found
        while found := self._descendants():
            if time.monotonic() > until:
                return len(found)
            self._send(found, signal.SIGKILL)
            time.sleep(0.002)
            self._reap()
        self._reap()
        return 0

    def _send(self, pids: set[int], number: signal.Signals) -> None:
        for pid in pids:
            # gone by itself, or changed to another user, which `end_all` counts
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)

    def _descendants(self) -> set[int]:
        """Ids of all living processes below this one; without /proc of the command alone."""
        if not _PROC.is_dir():
            return {self._command} if self.exit_code is None else set()
        children: dict[int, list[int]] = {}
        for entry in _PROC.iterdir():
            if entry.name.isdigit():
                # a process may be gone by now; behind the name, which may hold anything, stand state and parent
                with contextlib.suppress(OSError):
                    state, parent = (entry / "stat").read_bytes().rpartition(b")")[2].split()[:2]
                    if state != b"Z":
                        children.setdefault(int(parent), []).append(int(entry.name))
        found: set[int] = set()
        waiting = [os.getpid()]
        while waiting:
            below = [pid for pid in children.get(waiting.pop(), ()) if pid not in found]
            found.update(below)
            waiting += below
        return found

    def _reap(self) -> None:
        """Takes leave of every child that has ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid == self._command:
                code = os.waitstatus_to_exitcode(status)
                self.exit_code = code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
