"""Who tries to reach what: system calls that name an address are held, read, written down, and let go on.

The kernel's seccomp user notification (Linux 5.6). The address is read from the program's memory while the call is held. A program
with threads could change it between that and the call, so this is a record and not a lock; the lock is the namespace.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import socket
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

from apr.sandbox import addresses, kernel, numbers
from apr.sandbox.filters import build
from apr.sandbox.report import UNIX, Attempt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NOTIF = struct.Struct("=QIIiIQ6Q")  # id, pid, flags; number, architecture, instruction, arguments
_ANSWER = struct.Struct("=QqiI")  # id, value, error, flags
_HEADER = struct.Struct("=QI52x")  # of `struct msghdr`: name, its length, and what is of no use here
_MANY = 64  # the size of `struct mmsghdr`
_MOST_MESSAGES = 1024  # as many as the kernel takes in one call


def install(*, listen: bool) -> int:
    """Puts the filter on this process and on all that it will start.

    Args:
        listen: calls are to be asked about; else only what must not be is refused.

    Returns:
        The descriptor on which the kernel asks, if somebody listens.

    Raises:
        OSError: the machine does not allow it, or its numbers are not known.
    """
    known = numbers.calls()
    if known is None:
        raise OSError(0, "the numbers of this architecture's system calls are not known here")
    kernel.prctl(numbers.PR_SET_NO_NEW_PRIVS, 1)
    program = build(known, watch=listen)
    if not listen:
        return kernel.seccomp(0, program)
    try:  # since 5.19 a held call is not begun anew at each signal
        both = numbers.SECCOMP_FILTER_FLAG_NEW_LISTENER | numbers.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
        return kernel.seccomp(both, program)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        return kernel.seccomp(numbers.SECCOMP_FILTER_FLAG_NEW_LISTENER, program)


class Watcher:
    """Answers the kernel's questions, and says what was tried.

    Args:
        listener: the descriptor that `install` gave.
        tried: is told each attempt.
        asked: is told (inode of the socket, process, program) for each datagram socket that turns to `name_server`.
        name_server: where our own name server listens; None if there is none.
        refuse: answer that nobody is there to sockets in the file system that were made before `since`, since who listens at one
            of these is outside and might lend its network; and refuse families that no network namespace holds back.
        since: nanoseconds, see `refuse`.
    """

    def __init__(
        self,
        listener: int,
        tried: Callable[[Attempt], None],
        asked: Callable[[int, int, str], None],
        *,
        name_server: tuple[str, int] | None,
        refuse: bool,
        since: int,
    ) -> None:
        self._listener, self._tried, self._asked = listener, tried, asked
        self._name_server, self._refuse, self._since = name_server, refuse, since
        known = numbers.calls()
        if known is None:
            raise OSError(0, "the numbers of this architecture's system calls are not known here")
        self._calls = known

    def answer(self) -> None:
        """Takes one question and answers it."""
        asked = bytearray(_NOTIF.size)
        try:
            fcntl.ioctl(self._listener, numbers.NOTIF_RECV, asked, True)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EINTR):  # who asked is gone; its siblings may not be
                return
            raise
        question, thread, _, number, _, _, *arguments = _NOTIF.unpack(asked)
        refused = self._examine(question, thread, number, arguments)
        flags = 0 if refused else numbers.SECCOMP_USER_NOTIF_FLAG_CONTINUE
        with contextlib.suppress(FileNotFoundError):  # ended, or interrupted, while it waited
            fcntl.ioctl(self._listener, numbers.NOTIF_SEND, _ANSWER.pack(question, 0, -refused, flags))

    def _examine(self, question: int, thread: int, number: int, arguments: list[int]) -> int:
        """Writes down what a call names; the number of the error it is to fail with, or 0."""
        if number == self._calls.socket:
            family = addresses.family_name(arguments[0] & 0xFFFF_FFFF)
            kind = addresses.protocol_name(arguments[2] & 0xFFFF_FFFF, arguments[1] & 0xFF)
            pid = _process_of(thread)
            self._tried(Attempt(family, "", None, kind, _program(pid), pid, loopback=False))
            return errno.EAFNOSUPPORT if self._refuse else 0
        try:
            raws = list(self._raw(thread, number, arguments))
            fcntl.ioctl(self._listener, numbers.NOTIF_ID_VALID, struct.pack("=Q", question))
        except FileNotFoundError:  # it ended meanwhile; its number may be another's by now
            return 0
        except OSError as error:  # what cannot be read must not look like nothing
            pid = _process_of(thread)
            said = f"unreadable ({error.strerror})"
            self._tried(Attempt("unknown", said, None, "unknown", _program(pid), pid, loopback=False))
            return 0
        refusals = [self._note(thread, arguments[0] & 0xFFFF_FFFF, raw) for raw in raws]
        return next((refusal for refusal in refusals if refusal), 0)

    def _raw(self, thread: int, number: int, arguments: list[int]) -> Iterator[bytes]:
        """The addresses that a call names, as they lie in memory."""
        with Path(f"/proc/{thread}/mem").open("rb", buffering=0) as memory:

            def read(place: int, size: int) -> bytes:
                return os.pread(memory.fileno(), size, place)

            if number == self._calls.connect:
                named = [(arguments[1], arguments[2])]
            elif number == self._calls.sendto:
                named = [(arguments[4], arguments[5])]
            else:
                count = min(arguments[2], _MOST_MESSAGES) if number == self._calls.sendmmsg else 1
                headers = (read(arguments[1] + message * _MANY, _HEADER.size - 4) for message in range(count))
                named = [_HEADER.unpack(header.ljust(_HEADER.size, b"\0")) for header in headers]
            for place, size in named:
                if place and size:
                    yield read(place, min(size & 0xFFFF_FFFF, addresses.LONGEST))

    def _note(self, thread: int, fd: int, raw: bytes) -> int:
        found = addresses.parse(raw)
        if found is None:
            return 0
        pid = _process_of(thread)
        program = _program(pid)
        inode, protocol = _socket(pid, fd)
        if (found.address, found.port) == self._name_server and protocol == "udp":
            self._asked(inode, pid, program)
            return 0
        refused, loopback = 0, found.loopback
        if found.family == UNIX and not found.address.startswith("@"):
            loopback = not self._from_outside(pid, found.address)
            refused = errno.ECONNREFUSED if self._refuse and not loopback else 0
        self._tried(Attempt(found.family, found.address, found.port, protocol, program, pid, loopback))
        return refused

    def _from_outside(self, pid: int, path: str) -> bool:
        """True for a socket in the file system that was there before the program was started.

        By the time at which it was made: that of its last change anybody renews who touches it, or links to it. Whoever has another
        root folder or other mounts than we see other files by the same path, so that all sockets count as from outside.
        """
        # an absolute path is looked up in the program's root folder, any other in its working directory
        base = f"/proc/{pid}/root" if path.startswith("/") else f"/proc/{pid}/cwd/"
        try:
            if any(
                Path(f"/proc/{pid}/{name}").readlink() != Path(f"/proc/self/{name}").readlink()
                for name in ("root", "ns/mnt")
            ):
                return True
            seen = Path(base + path).stat()
            born = kernel.born_ns(base + path)
        except OSError:  # no such socket, so nobody can be reached; the program will see the same
            return False
        return stat.S_ISSOCK(seen.st_mode) and (seen.st_ctime_ns if born is None else born) < self._since


def _process_of(thread: int) -> int:
    """The process that a thread belongs to; the thread's own number where that cannot be read."""
    with contextlib.suppress(OSError), Path(f"/proc/{thread}/status").open("rb") as status:
        for line in status:
            if line.startswith(b"Tgid:"):
                return int(line[5:])
    return thread


def _program(pid: int) -> str:
    """The name of the executable, or `?` once the process is gone."""
    try:
        return Path(f"/proc/{pid}/exe").readlink().name.removesuffix(" (deleted)")
    except OSError:
        return "?"


def _socket(pid: int, fd: int) -> tuple[int, str]:
    """The inode and the protocol of another process's socket; 0 and `unknown` where it cannot be looked at."""
    try:
        copy = kernel.fetch_fd(pid, fd)
    except OSError:
        return 0, "unknown"
    try:
        with socket.socket(fileno=copy) as theirs:
            return os.fstat(copy).st_ino, addresses.protocol_name(theirs.proto, theirs.type)
    except OSError:  # no socket at all: the call will fail
        return 0, "unknown"
