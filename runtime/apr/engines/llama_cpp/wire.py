"""Messages between the engine and its child process: a length, a JSON text, and at most one file descriptor."""

from __future__ import annotations

import json
import os
import socket
import struct
from typing import Any

_HEADER = struct.Struct("<I")


def send(channel: socket.socket, message: dict[str, Any], descriptor: int | None = None) -> None:
    """Sends one message; the descriptor, if any, becomes the receiver's own."""
    body = json.dumps(message).encode()
    packet = _HEADER.pack(len(body)) + body
    if descriptor is None:
        channel.sendall(packet)
    else:
        sent = socket.send_fds(channel, [packet], [descriptor])
        channel.sendall(packet[sent:])


def receive(channel: socket.socket) -> tuple[dict[str, Any], int | None]:
    """The next message and the descriptor that came with it.

    Raises:
        EOFError: the other side is gone.
        TimeoutError: the socket's timeout passed.
    """
    data, descriptors, _, _ = socket.recv_fds(channel, 1 << 16, 1)
    try:
        while len(data) < _HEADER.size or len(data) < _HEADER.size + _HEADER.unpack_from(data)[0]:
            more = channel.recv(1 << 20)
            if not more:
                raise EOFError
            data += more
        return json.loads(data[_HEADER.size :]), descriptors.pop() if descriptors else None
    finally:
        for left in descriptors:
            os.close(left)
