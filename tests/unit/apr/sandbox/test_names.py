"""The name server that knows nobody."""

from __future__ import annotations

import struct

import pytest

from apr.sandbox.names import Question, answer, is_local, question


def asking(name: str, kind: int = 1, *, number: int = 0x1234, count: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".") if label)
    return struct.pack(">6H", number, 0x0100, count, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", kind, 1)


def test_what_was_asked_for() -> None:
    message = asking("api.Anthropic.com", 28)
    assert question(message) == Question("api.Anthropic.com", 28, len(message))
    assert question(message + b"more") == Question("api.Anthropic.com", 28, len(message))
    assert question(asking("")) == Question("", 1, 17)


@pytest.mark.parametrize(
    "message",
    [
        b"",
        asking("a.b")[:11],
        asking("a.b", count=0),
        asking("a.b")[:14],
        asking("a.b")[:-1],
        asking("a.b")[:12] + b"\xc0\x0c\0\1\0\1",
        asking("a.b")[:12] + b"\x40" + b"x" * 64 + b"\0\0\1\0\1",
    ],
    ids=["nothing", "half a header", "no question", "cut in a name", "cut in the class", "pointer", "long label"],
)
def test_what_is_no_question(message: bytes) -> None:
    assert question(message) is None


def answered(name: str, kind: int = 1) -> tuple[int, int, bytes]:
    message = asking(name, kind)
    asked = question(message)
    assert asked is not None
    given = answer(message, asked, "box")
    number, flags, questions, answers, authorities, more = struct.unpack(">6H", given[:12])
    assert (number, flags & 0x8000, questions, authorities, more) == (0x1234, 0x8000, 1, 0, 0)
    assert given[12 : asked.end] == message[12 : asked.end]
    return flags & 0xF, answers, given[asked.end :]


def test_nobody_is_known() -> None:
    assert answered("api.anthropic.com") == (3, 0, b"")
    assert answered("api.anthropic.com", 28) == (3, 0, b"")
    assert answered("1.0.0.127.in-addr.arpa", 12) == (3, 0, b"")


def test_this_machine_is_known() -> None:
    code, count, record = answered("localhost")
    assert (code, count, record[-4:]) == (0, 1, bytes((127, 0, 0, 1)))
    code, count, record = answered("BOX.", 28)
    assert (code, count, record[-16:]) == (0, 1, bytes(15) + b"\1")
    assert answered("localhost", 15) == (0, 0, b"")  # there is such a name, and it takes no mail


@pytest.mark.parametrize(
    ("name", "local"),
    [
        ("localhost", True),
        ("LocalHost.", True),
        ("a.localhost", True),
        ("box", True),
        ("notlocalhost", False),
        ("localhost.com", False),
        ("box.com", False),
        ("1.0.0.127.in-addr.arpa", True),
        ("1.0.0.10.in-addr.arpa", False),
        ("8.127.in-addr.arpa.com", False),
        ("1." + "0." * 31 + "ip6.arpa", True),
        ("2." + "0." * 31 + "ip6.arpa", False),
    ],
)
def test_which_names_are_of_this_machine(name: str, local: bool) -> None:
    assert is_local(name, "box") is local
