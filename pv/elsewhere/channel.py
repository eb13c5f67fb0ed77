"""Lines of JSON between two processes, over a socket that one of them inherits."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator


class Channel:
    """One end."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lines = end.makefile("rb")

    def send(self, message: dict[str, Any]) -> None:
        """Send a message.

        Raises:
            OSError: the other end is gone.
        """
        self._end.sendall(json.dumps(message, default=repr).encode("ascii") + b"\n")

    def messages(self) -> Iterator[dict[str, Any]]:
        """What the other end sends, until it is gone."""
        while True:
            try:
                line = self._lines.readline()
            except OSError:  # it was killed with something of ours unread
                return
            if not line.endswith(b"\n"):
                return
            yield json.loads(line)

    def close(self) -> None:
        """Let go of this end."""
        self._lines.close()
        self._end.close()
