"""The filter of system calls, in classic BPF: what is let through, what is asked about, what is refused.

The arguments of a call are seen as numbers here; addresses behind pointers are read by `apr.sandbox.watching`.
"""

from __future__ import annotations

import errno
import struct

from apr.sandbox.numbers import (
    SECCOMP_RET_ALLOW,
    SECCOMP_RET_ERRNO,
    SECCOMP_RET_KILL_PROCESS,
    SECCOMP_RET_USER_NOTIF,
    X32_BIT,
    Calls,
)

_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
# offsets in `struct seccomp_data`; the halves of an argument in the order of a little-endian machine
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT, _FIFTH_LOW, _FIFTH_HIGH = 0, 4, 16, 48, 52
# families that a network namespace holds back, or that reach nobody: unix, inet, inet6, netlink, packet, alg
CONFINED_FAMILIES = (1, 2, 10, 16, 17, 38)


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("=HBBI", code, yes, no, value)


def build(known: Calls, *, watch: bool) -> bytes:
    """The filter as instructions.

    Calls of another architecture (a 32-bit program) end the process, as their numbers mean other things. `io_uring_setup` and the
    x32 calls do not exist in there. A socket of a family that is not bound to a network namespace (vsock, Bluetooth …) is asked
    about, or refused where nobody listens. `sendto` without an address has one from before, which was asked about.

    Args:
        known: the numbers of the machine.
        watch: somebody listens: calls that name an address are asked about.
    """
    missing = _step(_RETURN, SECCOMP_RET_ERRNO | errno.ENOSYS)
    allow = _step(_RETURN, SECCOMP_RET_ALLOW)
    ask = _step(_RETURN, SECCOMP_RET_USER_NOTIF if watch else SECCOMP_RET_ALLOW)
    other = _step(_RETURN, SECCOMP_RET_USER_NOTIF if watch else SECCOMP_RET_ERRNO | errno.EAFNOSUPPORT)
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_IF_EQUAL, known.audit, yes=1),
        _step(_RETURN, SECCOMP_RET_KILL_PROCESS),
        _step(_LOAD, _NUMBER),
        _step(_IF_AT_LEAST, X32_BIT, no=1),
        missing,
        _step(_IF_EQUAL, known.io_uring_setup, no=1),
        missing,
    ]
    for number in (known.connect, known.sendmsg, known.sendmmsg):
        steps += [_step(_IF_EQUAL, number, no=1), ask]
    steps += [
        _step(_IF_EQUAL, known.sendto, no=6),
        _step(_LOAD, _FIFTH_LOW),
        _step(_IF_EQUAL, 0, no=3),
        _step(_LOAD, _FIFTH_HIGH),
        _step(_IF_EQUAL, 0, no=1),
        allow,
        ask,
        _step(_IF_EQUAL, known.socket, yes=1),
        allow,
        _step(_LOAD, _FIRST_ARGUMENT),
    ]
    for family in CONFINED_FAMILIES:
        steps += [_step(_IF_EQUAL, family, no=1), allow]
    return b"".join([*steps, other])
