"""Socket addresses as programs hand them to the kernel."""

from __future__ import annotations

import socket
import struct

import pytest

from apr.sandbox.addresses import Address, parse, protocol_name

ANY = ".".join("0000")


def inet(address: str, port: int) -> bytes:
    return struct.pack("<H", socket.AF_INET) + port.to_bytes(2, "big") + socket.inet_aton(address) + bytes(8)


def inet6(address: str, port: int) -> bytes:
    packed = socket.inet_pton(socket.AF_INET6, address)
    return struct.pack("<H", socket.AF_INET6) + port.to_bytes(2, "big") + bytes(4) + packed + bytes(4)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (inet("1.2.3.4", 443), Address("inet", "1.2.3.4", 443, loopback=False)),
        (inet("127.0.0.1", 80), Address("inet", "127.0.0.1", 80, loopback=True)),
        (inet("127.9.9.9", 80), Address("inet", "127.9.9.9", 80, loopback=True)),
        (inet("128.0.0.1", 80), Address("inet", "128.0.0.1", 80, loopback=False)),
        (inet("10.0.0.1", 256), Address("inet", "10.0.0.1", 256, loopback=False)),
        (inet(ANY, 1), Address("inet", ANY, 1, loopback=True)),
        (inet6("::1", 80), Address("inet6", "::1", 80, loopback=True)),
        (inet6("::", 80), Address("inet6", "::", 80, loopback=True)),
        (inet6("2001:db8::1", 65535), Address("inet6", "2001:db8::1", 65535, loopback=False)),
        (inet6("fe80::1", 1), Address("inet6", "fe80::1", 1, loopback=False)),
        (inet6("::ffff:127.0.0.1", 80), Address("inet6", "::ffff:127.0.0.1", 80, loopback=True)),
        (inet6("::ffff:8.8.8.8", 53), Address("inet6", "::ffff:8.8.8.8", 53, loopback=False)),
        (b"\1\0/run/a.sock\0rest", Address("unix", "/run/a.sock", None, loopback=False)),
        (b"\1\0/run/a.sock", Address("unix", "/run/a.sock", None, loopback=False)),
        (b"\1\0a.sock\0", Address("unix", "a.sock", None, loopback=False)),
        (b"\1\0\0hidden", Address("unix", "@hidden", None, loopback=True)),
        (b"\x28\0\0\0\1\0\0\0\2\0\0\0", Address("vsock", "00000100000002000000", None, loopback=False)),
        (b"\x63\0abc", Address("99", "616263", None, loopback=False)),
    ],
)
def test_what_an_address_says(raw: bytes, expected: Address) -> None:
    assert parse(raw) == expected


@pytest.mark.parametrize("family", [4, 8, 27])
def test_the_family_is_read_whole(family: int) -> None:
    assert parse(struct.pack("<H", family << 8 | 2) + bytes(14)) == Address(
        str(family << 8 | 2), bytes(14).hex(), None, loopback=False
    )


@pytest.mark.parametrize(
    "raw",
    [b"", b"\2", b"\0\0" + bytes(14), b"\x10\0" + bytes(10), b"\1\0", inet("1.2.3.4", 80)[:7], inet6("::1", 80)[:23]],
    ids=["nothing", "half a family", "disconnect", "netlink", "unnamed", "short IPv4", "short IPv6"],
)
def test_what_names_nobody(raw: bytes) -> None:
    assert parse(raw) is None


def test_the_shortest_that_the_kernel_takes() -> None:
    assert parse(inet("1.2.3.4", 80)[:8]) == Address("inet", "1.2.3.4", 80, loopback=False)
    assert parse(inet6("::1", 80)[:24]) == Address("inet6", "::1", 80, loopback=True)


@pytest.mark.parametrize(
    ("protocol", "kind", "name"),
    [
        (6, 1, "tcp"),
        (17, 2, "udp"),
        (1, 3, "raw"),
        (1, 2, "datagram"),
        (0, 1, "stream"),
        (0, 5, "packets"),
        (0, 9, "9"),
    ],
)
def test_protocols_have_names(protocol: int, kind: int, name: str) -> None:
    assert protocol_name(protocol, kind) == name
