"""Into namespaces where only loopback exists, with files as they were."""

from __future__ import annotations

import errno
import os
import socket
import tempfile
from pathlib import Path
from typing import Self

from apr.sandbox import kernel, names, numbers

# files that say where names come from -> what they say inside
_NSSWITCH = Path("/etc/nsswitch.conf")
_RESOLV = Path("/etc/resolv.conf")
_LOSING = (
    numbers.CAP_SYS_ADMIN, numbers.CAP_SYS_PTRACE, numbers.CAP_SYS_MODULE, numbers.CAP_SYS_RAWIO, numbers.CAP_BPF,
)  # fmt: skip


class Refused(Exception):
    """The machine does not allow it; the message says what and why."""


def enter_network() -> None:
    """Moves this process, which must have one thread, into new user, network and mount namespaces; loopback is up.

    Users and groups keep their numbers, so that files belong to whom they did. Root without the right to make user namespaces goes
    without one, and loses the capabilities by which it could walk back out.

    Raises:
        Refused: the machine does not allow it.
    """
    if not hasattr(os, "pidfd_open"):
        raise Refused("there are no namespaces on this system, only on Linux")
    apart = numbers.CLONE_NEWNET | numbers.CLONE_NEWNS
    uid, gid = os.getuid(), os.getgid()
    with _Mapper(uid, gid) as mapper:
        try:
            kernel.unshare(numbers.CLONE_NEWUSER | apart)
        except OSError as error:
            _enter_without_user(apart, error)
        else:
            mapper.map()
    try:
        kernel.raise_loopback()
    except OSError as error:
        hint = ""
        if error.errno == errno.EPERM:
            hint = "; the machine makes user namespaces without rights (AppArmor: kernel.apparmor_restrict_unprivileged_userns)"
        raise Refused(f"the loopback interface cannot be brought up: {error.strerror}{hint}") from error


def _enter_without_user(apart: int, why: OSError) -> None:
    try:
        kernel.unshare(apart)
    except OSError:
        hint = "; user.max_user_namespaces is 0 or used up" if why.errno == errno.ENOSPC else ""
        raise Refused(f"no new network namespace: {why.strerror}{hint}") from why
    for capability in _LOSING:
        try:
            kernel.prctl(numbers.PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno != errno.EINVAL:  # one that an older kernel does not have
                raise Refused(f"root cannot be kept from leaving the namespace: {error.strerror}") from error


class _Mapper:
    """A child that stays outside and says who is who inside, since root can only do that from there."""

    def __init__(self, uid: int, gid: int) -> None:
        self._uid, self._gid = uid, gid

    def __enter__(self) -> Self:
        self._go, go = os.pipe()[::-1]
        said, self._say = os.pipe()
        target = os.getpid()
        self._child = os.fork()
        if self._child == 0:
            os.close(self._go)
            os.close(said)
            try:
                problem = _write_maps(target, self._uid, self._gid) if os.read(go, 1) else ""
                os.write(self._say, problem.encode())
            finally:
                os._exit(0)
        os.close(go)
        os.close(self._say)
        self._said = said
        return self

    def map(self) -> None:
        """Has the namespace's users and groups mapped, now that it is there.

        Raises:
            Refused: the machine does not allow it.
        """
        os.write(self._go, b"g")
        problem = os.read(self._said, 4096).decode()
        if problem:
            raise Refused(f"users cannot be mapped into the new namespace: {problem}")

    def __exit__(self, *_: object) -> None:
        os.close(self._go)
        os.close(self._said)
        os.waitpid(self._child, 0)


def _write_maps(target: int, uid: int, gid: int) -> str:
    """Maps everybody onto themselves; without the right to that, the one who asks. What went wrong, or nothing."""
    place = Path("/proc") / str(target)
    try:
        try:
            for name in ("uid_map", "gid_map"):
                known = [line.split() for line in Path("/proc/self", name).read_text(encoding="ascii").splitlines()]
                place.joinpath(name).write_text("".join(f"{inner} {inner} {count}\n" for inner, _, count in known))
        except PermissionError:
            place.joinpath("setgroups").write_text("deny")
            place.joinpath("uid_map").write_text(f"{uid} {uid} 1\n")
            place.joinpath("gid_map").write_text(f"{gid} {gid} 1\n")
    except OSError as error:
        return f"{error.strerror} ({error.filename})"
    return ""


def serve_names() -> socket.socket:
    """Makes programs in here ask us for names.

    Call it behind `enter_network`.

    Returns:
        The socket on which they ask.

    Raises:
        Refused: the machine does not allow it.
    """
    try:
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        server.bind(names.ADDRESS)
        kernel.mount("none", "/", numbers.MS_REC | numbers.MS_PRIVATE)
        _cover(_RESOLV, names.RESOLV_CONF)
        if _NSSWITCH.exists():
            lines = _NSSWITCH.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            kept = [line for line in lines if not line.lstrip().startswith("hosts:")]
            _cover(_NSSWITCH, "\n".join([*kept, "hosts: files dns", ""]))
    except OSError as error:
        raise Refused(f"programs cannot be made to ask us for names: {error.strerror}") from error
    return server


def _cover(path: Path, content: str) -> None:
    """Lays another content over a file, for those in this mount namespace."""
    if not path.exists():
        return  # then the library asks 127.0.0.1 by itself
    # what is mounted stays when its name is gone, so nothing is left behind whatever happens to us
    with tempfile.NamedTemporaryFile() as over:
        over.write(content.encode("utf-8", "surrogateescape"))
        over.flush()
        Path(over.name).chmod(0o644)
        kernel.mount(over.name, str(path), numbers.MS_BIND)
