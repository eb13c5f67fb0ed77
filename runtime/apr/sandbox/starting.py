"""Starting a program behind the filter, and ending whatever it leaves."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from apr.sandbox import kernel, numbers
from apr.sandbox.namespaces import Refused
from apr.sandbox.watching import install

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_NEWS = 4096


class Started(NamedTuple):
    """A child.

    Attributes:
        pid: its number.
        listener: where the kernel asks about its calls; -1 where nobody listens.
        news: ends when the program is executed; says before what went wrong, if something did.
    """

    pid: int
    listener: int
    news: int


def start(program: Callable[[], None], *, watch: bool, confine: bool) -> Started:
    """Forks a child that installs the filter and then calls `program`.

    Args:
        program: executes another program, or does what it has to; it is run in the child.
        watch: the filter asks about calls that name an address.
        confine: the filter refuses what a network namespace does not hold back.

    Raises:
        Refused: the filter could not be installed; the message says why.
    """
    kernel.prctl(numbers.PR_SET_CHILD_SUBREAPER, 1)  # what loses its parents becomes a child of ours
    news, say = os.pipe()
    wait, go = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(program, say, wait, watch=watch, confine=confine)
    os.close(say)
    os.close(wait)
    try:
        return Started(pid, _listener(pid, news, go) if watch else -1, news)
    except (OSError, Refused) as error:
        os.close(news)
        end_all()
        if isinstance(error, Refused):
            raise
        raise Refused(f"calls cannot be watched: {error.strerror}") from error
    finally:
        os.close(go)


def _listener(pid: int, news: int, go: int) -> int:
    """Takes over the child's listener, and lets the child go on."""
    number = os.read(news, _MOST_NEWS)
    if not number.isdigit():
        raise Refused(number.decode("utf-8", "replace") or "the program ended before it could be watched")
    # fetched, as handing it over would be a call that has to be asked about
    listener = kernel.fetch_fd(pid, int(number))
    os.write(go, b"g")
    return listener


def _become(program: Callable[[], None], say: int, wait: int, *, watch: bool, confine: bool) -> NoReturn:
    """The child's side of `start`."""
    try:
        os.setsid()
        kernel.prctl(numbers.PR_SET_PDEATHSIG, signal.SIGKILL)  # whatever becomes of us, it does not run on unwatched
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        if watch or confine:
            listener = install(listen=watch)
        if watch:
            os.write(say, str(listener).encode())
            os.read(wait, 1)
            os.close(listener)
        program()
    except OSError as error:
        where = f"{os.fsdecode(error.filename)}: " if error.filename is not None else ""
        os.write(say, f"{where}{error.strerror}".encode("utf-8", "replace"))
    finally:
        os._exit(127)


def children() -> list[int]:
    """The processes whose parent is this one."""
    own = os.getpid()
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # the name before the last bracket may hold anything; the state and the parent follow
                said = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
                if int(said[1]) == own:
                    found.append(int(entry.name))
    return found


def end_all() -> None:
    """Ends every process below this one, and those that they leave behind."""
    while True:
        for pid in children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return
