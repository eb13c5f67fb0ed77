"""The name server of one run: who asked for which name."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

from apr.sandbox import names
from apr.sandbox.report import DNS, Attempt

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST = 4096  # of a question by datagram


class Askers:
    """Answers questions for names, and says who asked.

    Args:
        server: where they come in; it does not wait.
        tried: is told of each.
    """

    def __init__(self, server: socket.socket, tried: Callable[[Attempt], None]) -> None:
        self._server, self._tried = server, tried
        self._own = socket.gethostname()
        self._sockets: dict[int, tuple[int, str]] = {}
        self._last = (0, "?")

    def fileno(self) -> int:
        """The descriptor that becomes readable when somebody asks."""
        return self._server.fileno()

    def turned_to_us(self, inode: int, pid: int, program: str) -> None:
        """Learns whose a socket is, before it asks."""
        self._sockets[inode] = self._last = (pid, program)

    def serve(self) -> None:
        """Answers what has come in."""
        while True:
            try:
                message, sender = self._server.recvfrom(_LONGEST)
            except BlockingIOError:
                return
            asked = names.question(message)
            if asked is None:
                continue
            pid, program = self._sockets.get(_inode_of(sender[1]), self._last)
            local = names.is_local(asked.name, self._own)
            self._tried(Attempt("inet", *names.ADDRESS, DNS, program, pid, local, host=asked.name))
            try:
                self._server.sendto(names.answer(message, asked, self._own), sender)
            except OSError:  # who asked has not waited for an answer
                continue


def _inode_of(port: int) -> int:
    """The datagram socket of this namespace that is bound to a port; 0 where there is none any more."""
    for table in ("udp", "udp6"):
        try:
            lines = Path("/proc/self/net", table).read_text(encoding="ascii").splitlines()[1:]
        except FileNotFoundError:  # a machine without IPv6
            continue
        for line in lines:
            fields = line.split()
            if int(fields[1].rpartition(":")[2], 16) == port:
                return int(fields[9])
    return 0
