"""The kernel's numbers that this package needs, for the two architectures it knows (`uapi/linux`, `asm/unistd.h`)."""

from __future__ import annotations

import platform
from dataclasses import dataclass

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x0002_0000, 0x1000_0000, 0x4000_0000
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x4_0000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 1, 4, 24, 36, 38
# capabilities with which root could leave a namespace that it was put into without a user namespace of its own
CAP_SYS_MODULE, CAP_SYS_RAWIO, CAP_SYS_PTRACE, CAP_SYS_ADMIN, CAP_BPF = 16, 17, 19, 21, 39
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

SECCOMP_SET_MODE_FILTER = 1
SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 1 << 3, 1 << 5
SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF = 0x7FFF_0000, 0x7FC0_0000
SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS = 0x0005_0000, 0x8000_0000
SECCOMP_USER_NOTIF_FLAG_CONTINUE = 1
# _IOWR('!', 0, 80 bytes), _IOWR('!', 1, 24 bytes), _IOW('!', 2, 8 bytes)
NOTIF_RECV, NOTIF_SEND, NOTIF_ID_VALID = 0xC050_2100, 0xC018_2101, 0x4008_2102
PIDFD_GETFD = 438  # the same everywhere
AT_FDCWD, STATX_BTIME = -100, 0x800


@dataclass(frozen=True)
class Calls:
    """System call numbers of one architecture.

    Attributes:
        audit: how seccomp names the architecture.
        socket, connect, sendto, sendmsg, sendmmsg: calls that name an address, or a family of them.
        seccomp: the call that installs a filter.
        statx: says when a file was made.
        io_uring_setup: opens a way around the filter.
    """

    audit: int
    socket: int
    connect: int
    sendto: int
    sendmsg: int
    sendmmsg: int
    seccomp: int
    statx: int
    io_uring_setup: int = 425


_CALLS = {
    "x86_64": Calls(0xC000_003E, socket=41, connect=42, sendto=44, sendmsg=46, sendmmsg=307, seccomp=317, statx=332),
    "aarch64": Calls(
        0xC000_00B7, socket=198, connect=203, sendto=206, sendmsg=211, sendmmsg=269, seccomp=277, statx=291
    ),
}
X32_BIT = 0x4000_0000  # set in the numbers of x86_64's second set of calls


def calls() -> Calls | None:
    """The numbers of this machine; None where they are not known here."""
    return _CALLS.get(platform.machine())
