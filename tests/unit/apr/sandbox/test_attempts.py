"""Real programs that try to get out, and are seen."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from apr.sandbox import Attempt, Confined, Isolation, run

if TYPE_CHECKING:
    from pathlib import Path


PYTHON = sys.executable


def python(code: str, cwd: Path, **options: object) -> Confined:
    return run([PYTHON, "-c", code], cwd=cwd, timeout=60, **options)  # type: ignore[arg-type]  # run's own


def targets(done: Confined) -> list[tuple[str, str]]:
    return [(attempt.protocol, attempt.target) for attempt in done.outward]


GRANDCHILD = """
import os, subprocess
inner = "import os; os.execvp('bash', ['bash', '-c', 'exec 3<>/dev/tcp/192.0.2.7/7'])"
subprocess.run([sys.executable, "-c", inner])
"""


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("s.socket().connect(('192.0.2.1', 443))", ("tcp", "192.0.2.1:443")),
        ("s.socket(s.AF_INET6).connect(('2001:db8::7', 443))", ("tcp", "[2001:db8::7]:443")),
        ("s.socket(s.AF_INET, s.SOCK_DGRAM).sendto(b'x', ('192.0.2.2', 123))", ("udp", "192.0.2.2:123")),
        ("s.socket(s.AF_INET, s.SOCK_DGRAM).connect(('192.0.2.3', 9))", ("udp", "192.0.2.3:9")),
        ("s.socket(s.AF_INET, s.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.4', 1))", ("udp", "192.0.2.4:1")),
        ("s.socket(s.AF_INET6, s.SOCK_DGRAM).sendto(b'x', ('2001:db8::8', 1))", ("udp", "[2001:db8::8]:1")),
        ("s.getaddrinfo('api.anthropic.com', 443)", ("dns", "api.anthropic.com")),
        ("s.gethostbyname('Statsig.Anthropic.com.')", ("dns", "Statsig.Anthropic.com")),
        ("import urllib.request as u; u.urlopen('https://api.anthropic.com/v1')", ("dns", "api.anthropic.com")),
        ("s.socket(40, s.SOCK_STREAM)", ("stream", "vsock")),
        (
            "import threading; threading.Thread(target=lambda: s.socket().connect(('192.0.2.5', 5))).start()",
            ("tcp", "192.0.2.5:5"),
        ),
        ("import os; os.fork() or s.socket().connect(('192.0.2.6', 6)); os.wait()", ("tcp", "192.0.2.6:6")),
        (GRANDCHILD, ("tcp", "192.0.2.7:7")),
        ("s.socket(s.AF_INET, s.SOCK_RAW, 1).sendto(b'x' * 8, ('192.0.2.8', 0))", ("raw", "192.0.2.8:0")),
    ],
)
def test_attempts_are_listed(tmp_path: Path, code: str, expected: tuple[str, str]) -> None:
    if "SOCK_RAW" in code and os.getuid() != 0:
        pytest.skip("an ordinary user may not make a raw socket")
    done = python(f"import socket as s, sys\n{code}", tmp_path, env=os.environ | {"no_proxy": "*"})
    assert targets(done) == [expected], done.stderr
    assert done.outward[0].program.startswith("bash" if "bash" in code else "python")


@pytest.mark.usefixtures("watched")
def test_many_datagrams_in_one_call(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler")
    source = tmp_path / "many.c"
    source.write_text(
        "#define _GNU_SOURCE\n#include <sys/socket.h>\n#include <netinet/in.h>\n#include <arpa/inet.h>\n#include <string.h>\n"
        "int main(void) { int fd = socket(AF_INET, SOCK_DGRAM, 0); struct sockaddr_in a[2]; struct mmsghdr m[2];\n"
        'struct iovec v = {"x", 1}; memset(a, 0, sizeof a); memset(m, 0, sizeof m);\n'
        "for (int i = 0; i < 2; i++) { a[i].sin_family = AF_INET; a[i].sin_port = htons(7 + i);\n"
        'a[i].sin_addr.s_addr = inet_addr(i ? "127.0.0.1" : "192.0.2.9"); m[i].msg_hdr.msg_name = &a[i];\n'
        "m[i].msg_hdr.msg_namelen = sizeof a[i]; m[i].msg_hdr.msg_iov = &v; m[i].msg_hdr.msg_iovlen = 1; }\n"
        "return sendmmsg(fd, m, 2, 0) == 2; }\n"
    )
    subprocess.run([compiler, "-static", "-o", tmp_path / "many", source], check=True, capture_output=True, timeout=60)
    done = run([str(tmp_path / "many")], cwd=tmp_path, timeout=60)
    assert done.attempts is not None
    assert [(one.target, one.loopback, one.program) for one in done.attempts] == [
        ("192.0.2.9:7", False, "many"),
        ("127.0.0.1:8", True, "many"),
    ]


@pytest.mark.usefixtures("watched")
@pytest.mark.parametrize("url", ["https://api.anthropic.com/v1/messages", "https://192.0.2.10/"])
def test_curl_goes_nowhere_and_is_seen(tmp_path: Path, url: str) -> None:
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    environment = {"PATH": os.environ["PATH"]}  # a proxy would be tried instead
    done = run(["curl", "-sS", "--max-time", "20", url], cwd=tmp_path, env=environment, timeout=60)
    assert done.returncode in (6, 7), done.stderr  # no such name; no connection
    assert [attempt.host or attempt.address for attempt in done.outward] == [url.split("/")[2]]
    assert done.outward[0].program == "curl"


@pytest.mark.usefixtures("watched")
def test_the_same_attempt_is_listed_once_and_counted(tmp_path: Path) -> None:
    code = "import socket\nfor _ in range(50):\n    socket.socket().connect_ex(('192.0.2.1', 80))"
    done = python(code, tmp_path)
    assert [(attempt.target, attempt.times) for attempt in done.outward] == [("192.0.2.1:80", 50)]
    assert done.outward[0].pid > 1


@pytest.mark.usefixtures("watched")
def test_no_attempt_is_an_empty_list_and_nobody_watching_is_none(tmp_path: Path) -> None:
    done = python("print(1)", tmp_path)
    assert (done.stdout, done.attempts, done.isolation) == ("1\n", (), Isolation())
    unwatched = python("import socket; socket.socket().connect_ex(('192.0.2.1', 80))", tmp_path, watch=False)
    assert (unwatched.attempts, unwatched.isolation.watching) == (None, "nobody was to watch")
    assert unwatched.isolation.isolated


def test_targets_are_readable() -> None:
    def target(family: str, address: str, port: int | None, host: str | None = None) -> str:
        return Attempt(family, address, port, "tcp", "x", 1, loopback=False, host=host).target

    assert target("inet", "1.2.3.4", 80) == "1.2.3.4:80"
    assert target("inet6", "::1", 80) == "[::1]:80"
    assert target("unix", "/run/x", None) == "/run/x"
    assert target("vsock", "", None) == "vsock"
    assert target("inet", "127.0.0.1", 53, "a.b") == "a.b"
