"""What is outside is not there, and the rest is as it was."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from apr.sandbox import Confined, kernel, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


PYTHON = sys.executable


def python(code: str, cwd: Path, **options: object) -> Confined:
    return run([PYTHON, "-c", code], cwd=cwd, timeout=60, **options)  # type: ignore[arg-type]  # run's own


@pytest.fixture
def listener() -> Iterator[int]:
    """A server on this machine's loopback; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            with contextlib.suppress(TimeoutError), server.accept()[0] as caller:
                caller.sendall(b"from outside")

        server.settimeout(5)
        thread = threading.Thread(target=greet)
        thread.start()
        yield server.getsockname()[1]
        thread.join()


KNOCK = "import socket; s = socket.create_connection(('127.0.0.1', {port}), 5); print(s.recv(99).decode())"


@pytest.mark.usefixtures("confined")
def test_what_listens_outside_is_not_there(tmp_path: Path, listener: int) -> None:
    outside = python(KNOCK.format(port=listener), tmp_path, isolate=False)
    assert (outside.returncode, outside.stdout) == (0, "from outside\n")
    assert not outside.isolation.isolated
    inside = python(KNOCK.format(port=listener), tmp_path)
    assert inside.returncode == 1
    assert "ConnectionRefusedError" in inside.stderr
    assert inside.isolation.isolated


@pytest.mark.usefixtures("watched")
def test_a_server_inside_answers_and_is_no_attempt_at_the_network(tmp_path: Path) -> None:
    done = python(
        "import socket, threading\n"
        "for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):\n"
        "    if family == socket.AF_INET6 and not socket.has_ipv6: continue\n"
        "    server = socket.create_server((address, 0), family=family)\n"
        "    threading.Thread(target=lambda: server.accept()[0].sendall(b'from inside')).start()\n"
        "    print(socket.create_connection(server.getsockname()[:2], 5).recv(99).decode())\n",
        tmp_path,
    )
    assert (done.returncode, done.stdout) == (0, "from inside\nfrom inside\n"), done.stderr
    assert done.attempts is not None
    assert [(one.family, one.address, one.protocol, one.loopback) for one in done.attempts] == [
        ("inet", "127.0.0.1", "tcp", True),
        ("inet6", "::1", "tcp", True),
    ]
    assert done.outward == ()


@pytest.mark.usefixtures("confined")
@pytest.mark.parametrize("watch", [True, False])
def test_a_family_that_no_namespace_holds_back_is_refused(tmp_path: Path, watch: bool) -> None:
    done = python("import socket; socket.socket(40, socket.SOCK_STREAM)", tmp_path, watch=watch)  # vsock
    assert "Address family not supported" in done.stderr


@pytest.mark.usefixtures("watched")
def test_io_uring_is_not_there(tmp_path: Path) -> None:
    code = "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); print(c.syscall(425, 8, 0), ctypes.get_errno())"
    assert python(code, tmp_path).stdout == "-1 38\n"


@pytest.mark.usefixtures("watched")
def test_sockets_in_the_file_system_are_told_apart(tmp_path: Path) -> None:
    """One from before leads to somebody outside: refused. One that the program makes itself works."""
    place = tmp_path / "service"
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(place))
        service.listen()
        time.sleep(0.05)  # files get their times from a clock that ticks
        code = (
            "import socket, sys\n"
            "print(socket.socket(socket.AF_UNIX).connect_ex(sys.argv[1]))\n"
            "own = socket.socket(socket.AF_UNIX); own.bind('own'); own.listen()\n"
            "print(socket.socket(socket.AF_UNIX).connect_ex('own'))\n"
            "print(socket.socket(socket.AF_UNIX).connect_ex('absent'))\n"
            "own = socket.socket(socket.AF_UNIX); own.bind('\\0abstract'); own.listen()\n"
            "print(socket.socket(socket.AF_UNIX).connect_ex('\\0abstract'))\n"
        )
        inside = run([PYTHON, "-c", code, str(place)], cwd=tmp_path, timeout=60)
        (tmp_path / "own").unlink()
        outside = run([PYTHON, "-c", code, str(place)], cwd=tmp_path, timeout=60, isolate=False)
    assert inside.stdout.split() == ["111", "0", "2", "0"], inside.stderr  # refused, made, not there, made
    assert outside.stdout.split() == ["0", "0", "2", "0"], outside.stderr
    assert inside.attempts is not None
    assert [(one.family, one.address, one.loopback) for one in inside.attempts] == [
        ("unix", str(place), False),
        ("unix", "own", True),
        ("unix", "absent", True),
        ("unix", "@abstract", True),
    ]
    assert inside.outward == ()


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    "way",
    ["os.chmod(place, 0o777)", "os.utime(place)", "os.link(place, 'other'); place = 'other'", "os.rename(place, 'other'); place = 'other'"],
    ids=["chmod", "touch", "link", "rename"],
)  # fmt: skip
def test_a_socket_of_before_stays_one_whatever_is_done_to_it(tmp_path: Path, way: str) -> None:
    """All of these renew the time of its last change, and whoever listens there has a network."""
    place = tmp_path / "service"
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(place))
        service.listen()
        time.sleep(0.05)  # files get their times from a clock that ticks
        if kernel.born_ns(str(place)) is None:
            pytest.skip("this file system does not say when a file was made")
        code = f"import os, socket, sys\nplace = sys.argv[1]\n{way}\nprint(socket.socket(socket.AF_UNIX).connect_ex(place))"
        done = run([PYTHON, "-c", code, str(place)], cwd=tmp_path, timeout=60)
    assert done.stdout == "111\n", done.stderr
    assert [attempt.loopback for attempt in done.attempts or ()] == [False]


@pytest.mark.usefixtures("watched")
def test_who_sees_other_files_by_the_same_path_gets_no_socket_of_them(tmp_path: Path) -> None:
    (tmp_path / "jail").mkdir()
    place = tmp_path / "jail" / "service"
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(place))
        service.listen()
        time.sleep(0.05)  # files get their times from a clock that ticks
        code = (
            "import os, socket\nos.symlink('/service', 'jail/link')\n"
            "try: os.chroot('jail')\nexcept PermissionError: print(111)\n"
            "else: os.chdir('/'); print(socket.socket(socket.AF_UNIX).connect_ex('/link'))\n"
        )
        assert python(code, tmp_path).stdout == "111\n"


def test_when_a_file_was_made(tmp_path: Path) -> None:
    path = tmp_path / "a"
    before = time.time_ns() - 1_000_000_000
    path.write_text("")
    (tmp_path / "link").symlink_to("a")
    born = kernel.born_ns(str(path))
    if born is None:
        pytest.skip("this file system does not say when a file was made")
    time.sleep(0.05)
    path.chmod(0o600)
    os.utime(path, ns=(0, 0))
    assert before < born < path.stat().st_ctime_ns
    assert kernel.born_ns(str(path)) == kernel.born_ns(str(tmp_path / "link")) == born
    with pytest.raises(FileNotFoundError):
        kernel.born_ns(str(tmp_path / "absent"))


@pytest.mark.usefixtures("confined")
def test_nobody_reaches_into_who_watches(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "try: open(f'/proc/{os.getppid()}/mem', 'r+b')\nexcept PermissionError: print('refused')\n"
        "try: os.readlink(f'/proc/{os.getppid()}/fd/0')\nexcept PermissionError: print('refused')\n"
    )
    assert python(code, tmp_path).stdout == "refused\nrefused\n"


@pytest.mark.usefixtures("confined")
def test_files_and_users_are_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("here")
    code = (
        "import os, pathlib\n"
        "print(os.getuid(), os.getgid(), pathlib.Path('mine').read_text(), os.stat('mine').st_uid)\n"
        "pathlib.Path('made').write_text('by the program')\n"
    )
    done = python(code, tmp_path)
    assert done.stdout == f"{os.getuid()} {os.getgid()} here {(tmp_path / 'mine').stat().st_uid}\n", done.stderr
    assert (tmp_path / "made").read_text() == "by the program"
    assert (tmp_path / "made").stat().st_uid == os.getuid()


@pytest.mark.usefixtures("confined")
def test_root_does_not_walk_back_out(tmp_path: Path) -> None:
    code = (
        "import ctypes, os\n"
        "try: place = os.open('/proc/1/ns/net', os.O_RDONLY)\n"
        "except PermissionError: print(-1)\n"
        "else: print(ctypes.CDLL(None).setns(place, 0))\n"
    )
    assert python(code, tmp_path).stdout == "-1\n"
