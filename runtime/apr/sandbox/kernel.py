"""System calls that Python 3.11 does not offer; each raises OSError as those do that it offers."""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct
from functools import cache

from apr.sandbox import numbers


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def unshare(flags: int) -> None:
    """Moves this process into new namespaces.

    Raises:
        OSError: the machine does not allow it.
    """
    _checked(_libc().unshare(flags))


def mount(source: str, target: str, flags: int) -> None:
    """Binds `source` over `target`, or changes how mounts under `target` spread.

    Raises:
        OSError: the machine does not allow it, or one of the two is not there.
    """
    _checked(_libc().mount(os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(flags), None))


def prctl(option: int, value: int) -> None:
    """Sets a property of this process.

    Raises:
        OSError: the machine does not know it or does not allow it.
    """
    _checked(_libc().prctl(option, ctypes.c_ulong(value), *(ctypes.c_ulong(0),) * 3))


def seccomp(flags: int, program: bytes) -> int:
    """Installs a filter of system calls on this thread and on what it starts from here on.

    Args:
        flags: `numbers.SECCOMP_FILTER_FLAG_…`.
        program: instructions of classic BPF, eight bytes each.

    Returns:
        The listener's file descriptor, if one was asked for.

    Raises:
        OSError: the machine does not allow it.
    """

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))

    known = numbers.calls()
    if known is None:
        raise OSError(0, "the numbers of this architecture's system calls are not known here")
    given = Program(len(program) // 8, program)
    mode = ctypes.c_ulong(numbers.SECCOMP_SET_MODE_FILTER)
    return _checked(_libc().syscall(ctypes.c_long(known.seccomp), mode, ctypes.c_ulong(flags), ctypes.byref(given)))


def fetch_fd(pid: int, fd: int) -> int:
    """A copy of another process's file descriptor (`pidfd_getfd`, Linux 5.6).

    Args:
        pid: the process, not one of its threads.
        fd: as that process counts.

    Raises:
        OSError: the process is gone, has no such descriptor, or may not be looked at.
    """
    process = os.pidfd_open(pid)
    try:
        numbered = (ctypes.c_long(number) for number in (numbers.PIDFD_GETFD, process, fd, 0))
        return _checked(_libc().syscall(*numbered))
    finally:
        os.close(process)


def born_ns(path: str) -> int | None:
    """When a file was made (`statx`), a link followed; unlike the time of its last change nobody can set that.

    Returns:
        Nanoseconds since 1970; None where the file system does not keep it, or the machine's numbers are not known.

    Raises:
        OSError: there is no such file, or it may not be looked at.
    """
    known = numbers.calls()
    if known is None:
        return None
    said = ctypes.create_string_buffer(256)  # `struct statx`: the mask, and at 80 seconds and nanoseconds of the birth
    numbered = (ctypes.c_long(number) for number in (known.statx, numbers.AT_FDCWD))
    wanted = ctypes.c_ulong(0), ctypes.c_ulong(numbers.STATX_BTIME)
    _checked(_libc().syscall(*numbered, os.fsencode(path), *wanted, said))
    mask, seconds, nanoseconds = struct.unpack_from("=I76xqI", said)
    return seconds * 1_000_000_000 + nanoseconds if mask & numbers.STATX_BTIME else None


def raise_loopback() -> None:
    """Brings up the interface `lo`.

    Raises:
        OSError: there is none, or the process may not.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("H", fcntl.ioctl(probe, numbers.SIOCGIFFLAGS, request), 16)
        fcntl.ioctl(probe, numbers.SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | numbers.IFF_UP))
