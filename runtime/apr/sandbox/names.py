"""A name server that knows nobody: it writes down what was asked for, and says that there is no such name (RFC 1035, 6761)."""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple

ADDRESS = ("127.0.0.1", 53)
_NO_SUCH_NAME, _RESPONSE, _RECURSION = 3, 0x8000, 0x0180
_A, _AAAA = 1, 28
# what programs read to find it, and to ask nobody else first: systemd-resolved and nscd listen outside
RESOLV_CONF = f"nameserver {ADDRESS[0]}\noptions timeout:2 attempts:1\n"


class Question(NamedTuple):
    r"""What was asked for.

    Attributes:
        name: without the last dot, as it was spelled; bytes outside ASCII as `\xNN`.
        kind: the record's type.
        end: where the question ends in the message.
    """

    name: str
    kind: int
    end: int


def question(message: bytes) -> Question | None:
    """The first question of a message; None where it has none that could be read."""
    if len(message) < 12 or int.from_bytes(message[4:6], "big") < 1:  # the header; the number of questions
        return None
    labels, place = [], 12
    while place < len(message) and message[place]:
        size = message[place]
        if size > 63 or place + 1 + size >= len(message):  # a pointer, which no question begins with, or cut off
            return None
        labels.append(message[place + 1 : place + 1 + size].decode("ascii", "backslashreplace"))
        place += 1 + size
    if len(message) < place + 5:
        return None
    return Question(".".join(labels), int.from_bytes(message[place + 1 : place + 3], "big"), place + 5)


def is_local(name: str, own: str) -> bool:
    """True for names of this very machine, `localhost` and what lies below it, and addresses of loopback turned into names.

    Args:
        name: what was asked for.
        own: the machine's name.
    """
    plain = name.rstrip(".").lower()
    if plain in ("localhost", own.lower()) or plain.endswith(".localhost"):
        return True
    return plain.endswith("127.in-addr.arpa") or plain == ipaddress.ip_address("::1").reverse_pointer


def answer(message: bytes, asked: Question, own: str) -> bytes:
    """The answer to a message: loopback for local names, else that there is no such name.

    Args:
        message: what came in.
        asked: its question.
        own: the machine's name.
    """
    local = is_local(asked.name, own) and not asked.name.lower().rstrip(".").endswith(".arpa")
    code = 0 if local else _NO_SUCH_NAME
    given = {_A: socket.inet_pton(socket.AF_INET, "127.0.0.1"), _AAAA: socket.inet_pton(socket.AF_INET6, "::1")}
    address = given.get(asked.kind) if local else None
    flags = (_RESPONSE | _RECURSION | code).to_bytes(2, "big")
    counts = bytes((0, 1, 0, int(address is not None), 0, 0, 0, 0))
    head = message[:2] + flags + counts + message[12 : asked.end]
    if address is None:
        return head
    # a pointer to the name at 12, the type, class IN, no time to live
    return head + b"\xc0\x0c" + asked.kind.to_bytes(2, "big") + b"\0\1" + bytes(4) + bytes((0, len(address))) + address
