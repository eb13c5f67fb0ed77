"""Socket addresses as the kernel lays them out, and whether they stay inside."""

from __future__ import annotations

import ipaddress
import socket
from typing import NamedTuple, TypeAlias

_Ip: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_FAMILIES = {
    1: "unix", 2: "inet", 10: "inet6", 16: "netlink", 17: "packet", 31: "bluetooth", 38: "alg", 40: "vsock", 44: "xdp",
}  # fmt: skip
_PROTOCOLS: dict[tuple[int, int], str] = {
    (socket.IPPROTO_TCP, socket.SOCK_STREAM): "tcp",
    (socket.IPPROTO_UDP, socket.SOCK_DGRAM): "udp",
}
_TYPES: dict[int, str] = {
    socket.SOCK_STREAM: "stream",
    socket.SOCK_DGRAM: "datagram",
    socket.SOCK_RAW: "raw",
    5: "packets",
}
UNSPECIFIED, NETLINK = 0, 16
# 110 is the longest a path in the file system's sockets gets; 128 is the longest any address gets
LONGEST = 128


class Address(NamedTuple):
    """An address, as in `apr.sandbox.report.Attempt`."""

    family: str
    address: str
    port: int | None
    loopback: bool


def family_name(number: int) -> str:
    """`inet`, `vsock` …; the number as text where it has no name here."""
    return _FAMILIES.get(number, str(number))


def protocol_name(protocol: int, kind: int) -> str:
    """`tcp`, `udp`, else what the socket's type is called, else its number."""
    return _PROTOCOLS.get((protocol, kind)) or _TYPES.get(kind, str(kind))


def parse(raw: bytes) -> Address | None:
    """What a `struct sockaddr` says.

    Args:
        raw: the bytes that the program gave, as many as it said they are.

    Returns:
        The address; None where it names nobody: too short for its family, a disconnect, netlink.
    """
    if len(raw) < 2:  # the family
        return None
    number = int.from_bytes(raw[:2], "little")
    if number in (UNSPECIFIED, NETLINK):
        return None
    family = family_name(number)
    if family == "unix":
        return _unix(raw[2:])
    if family in ("inet", "inet6"):
        # port at 2; the address at 4, or at 8 behind the flow label
        start, end = (4, 8) if family == "inet" else (8, 24)
        if len(raw) < end:
            return None
        address = ipaddress.ip_address(raw[start:end])
        return Address(family, _text(address), int.from_bytes(raw[2:4], "big"), _inside(address))
    return Address(family, raw[2:].hex(), None, loopback=False)


def _mapped(address: _Ip) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 socket spells in its own way."""
    return address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None


def _text(address: _Ip) -> str:
    mapped = _mapped(address)
    return str(address) if mapped is None else f"::ffff:{mapped}"


def _inside(address: _Ip) -> bool:
    """Loopback, and 0.0.0.0 and ::, by which the kernel means loopback when something connects."""
    plain = _mapped(address) or address
    return plain.is_loopback or plain.is_unspecified


def _unix(path: bytes) -> Address | None:
    if not path:
        return None
    if path[0]:
        name = path.partition(b"\0")[0].decode("utf-8", "surrogateescape")
        return Address("unix", name, None, loopback=False)
    # abstract names belong to the network namespace, so whoever answers is inside, too
    return Address("unix", "@" + path[1:].decode("utf-8", "backslashreplace"), None, loopback=True)
