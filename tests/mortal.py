"""Processes that end with the one that starts them, even if that is killed: a cluster must not outlive its test run.

As a program, it says so to the kernel and becomes the command that it is given. On a system other than Linux, which cannot be told, it
only becomes the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2): the signal that comes when the thread that started this process ends; exec keeps it


def mortal(*command: str) -> list[str]:
    """The command that runs this one as long as the thread that starts it lives; the process keeps its id."""
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def _become(parent: int, command: list[str]) -> None:
    if sys.platform == "linux" and ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    # a shell without job control has what it runs in the background ignore Ctrl-C, and whoever is started there inherits that
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.getppid() == parent:  # otherwise it has gone already, and nothing would be heard of that
        os.execvp(command[0], command)  # noqa: S606  nothing here is for a shell to read


if __name__ == "__main__":
    _become(int(sys.argv[1]), sys.argv[2:])
