"""The filter of system calls, instruction by instruction as the kernel goes through it."""

from __future__ import annotations

import errno
import struct

import pytest

from apr.sandbox import numbers
from apr.sandbox.filters import build

ALLOW, ASK, KILL = numbers.SECCOMP_RET_ALLOW, numbers.SECCOMP_RET_USER_NOTIF, numbers.SECCOMP_RET_KILL_PROCESS
MISSING, NO_FAMILY = (numbers.SECCOMP_RET_ERRNO | number for number in (errno.ENOSYS, errno.EAFNOSUPPORT))
KNOWN = [numbers._CALLS[name] for name in ("x86_64", "aarch64")]


def decision(program: bytes, audit: int, number: int, *arguments: int) -> int:
    """What the program answers to a call: classic BPF over `struct seccomp_data`."""
    data = struct.pack("<IIQ6Q", number, audit, 0, *arguments, *[0] * (6 - len(arguments)))
    steps = list(struct.iter_unpack("<HBBI", program))
    place = value = 0
    while True:
        code, yes, no, operand = steps[place]
        place += 1
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, operand)
        elif code == 0x15:
            place += yes if value == operand else no
        elif code == 0x35:
            place += yes if value >= operand else no
        else:
            assert code == 0x06, f"instruction {place - 1}"
            return int(operand)


@pytest.mark.parametrize("known", KNOWN, ids=["x86_64", "aarch64"])
def test_calls_that_name_an_address_are_asked_about(known: numbers.Calls) -> None:
    program = build(known, watch=True)
    for number in (known.connect, known.sendmsg, known.sendmmsg):
        assert decision(program, known.audit, number) == ASK
    assert decision(program, known.audit, known.sendto, 3, 0x1000, 5, 0, 0x7FFF_0000_1000, 16) == ASK
    assert decision(program, known.audit, known.sendto, 3, 0x1000, 5, 0, 0x1_0000_0000, 16) == ASK
    assert decision(program, known.audit, known.sendto, 3, 0x1000, 5, 0, 1, 16) == ASK
    assert decision(program, known.audit, known.sendto, 3, 0x1000, 5, 0, 0, 0) == ALLOW
    for number in (0, 1, known.connect + 1, known.socket - 1, known.seccomp, 424, 426, 438):
        if number not in (known.connect, known.sendto, known.sendmsg, known.socket):
            assert decision(program, known.audit, number) == ALLOW


@pytest.mark.parametrize("watch", [True, False])
@pytest.mark.parametrize("known", KNOWN, ids=["x86_64", "aarch64"])
def test_families_that_no_namespace_holds_back(known: numbers.Calls, watch: bool) -> None:
    program = build(known, watch=watch)
    for family in (1, 2, 10, 16, 17, 38):
        assert decision(program, known.audit, known.socket, family, 1) == ALLOW
    for family in (0, 3, 31, 40, 44, 255):
        assert decision(program, known.audit, known.socket, family, 1) == (ASK if watch else NO_FAMILY)


@pytest.mark.parametrize("watch", [True, False])
@pytest.mark.parametrize("known", KNOWN, ids=["x86_64", "aarch64"])
def test_ways_around_are_closed(known: numbers.Calls, watch: bool) -> None:
    program = build(known, watch=watch)
    assert decision(program, known.audit, known.io_uring_setup) == MISSING
    assert decision(program, known.audit, known.connect | numbers.X32_BIT) == MISSING
    assert decision(program, 0x4000_0003, known.connect) == KILL  # i386
    assert decision(program, 0x4000_0028, 0) == KILL  # arm


@pytest.mark.parametrize("known", KNOWN, ids=["x86_64", "aarch64"])
def test_nobody_is_asked_where_nobody_listens(known: numbers.Calls) -> None:
    program = build(known, watch=False)
    for number in (known.connect, known.sendmsg, known.sendmmsg, known.sendto):
        assert decision(program, known.audit, number, 1, 1, 1, 1, 1, 1) == ALLOW
