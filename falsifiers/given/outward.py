"""What leads out: paths and links out of a folder, and programs that try the network."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

SECRET = "what lies outside"  # noqa: S105 - no password
# nobody has these addresses: RFC 5737 and RFC 3849 keep them for documents
TCP, UDP, SIX, NAME = "192.0.2.1", "198.51.100.7", "2001:db8::1", "api.example.org"

_CONNECT = "import socket; s = socket.socket(socket.{family}); s.settimeout(5); s.connect(({host!r}, {port})); print('through')"
_SEND = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ({host!r}, {port}))"
_LOOK_UP = "import socket; print(socket.getaddrinfo({host!r}, 443))"
_SERVE = (
    "import socket; s = socket.create_server(('127.0.0.1', 0)); "
    "c = socket.create_connection(s.getsockname()); c.sendall(b'through'); c.close(); print(s.accept()[0].recv(9).decode())"
)


def dig_out(folder: Path) -> tuple[Path, Path]:
    """A folder to work in, with links that lead out of it, and a file beside it that nobody may reach."""
    inside, outside = folder / "inside", folder / "outside"
    inside.mkdir()
    outside.mkdir()
    secret = outside / "secret.txt"
    secret.write_text(SECRET, encoding="utf-8")
    (inside / "plain.txt").write_text("plain\n", encoding="utf-8")
    (inside / "file-link").symlink_to(secret)
    (inside / "folder-link").symlink_to(outside)
    (inside / "up-link").symlink_to("../outside")
    return inside, secret


def ways_out(secret: Path) -> list[tuple[str, dict[str, Any]]]:
    """Calls that must be refused."""
    paths = ["../outside/secret.txt", str(secret), "file-link", "folder-link/secret.txt", "up-link/secret.txt",
             "/proc/self/root" + str(secret), "plain.txt/../../outside/secret.txt"]  # fmt: skip
    return [
        *(("Read", {"file_path": path}) for path in paths),
        *(("Write", {"file_path": path, "content": "changed"}) for path in paths),
        *(("Edit", {"file_path": path, "old_string": "what", "new_string": "all"}) for path in paths),
        ("Glob", {"pattern": "*", "path": "../outside"}),
        ("Grep", {"pattern": "lies", "path": "folder-link"}),
        ("Grep", {"pattern": "lies", "path": str(secret.parent)}),
    ]


def connects(host: str, port: int, family: str = "AF_INET") -> list[str]:
    """A program that connects, and says `through` where that succeeds."""
    return _python(_CONNECT.format(host=host, port=port, family=family))


def programs() -> list[tuple[list[str], str]]:
    """Programs that try to get out, and what they have to be listed with."""
    return [
        (connects(TCP, 80), TCP),
        (connects(SIX, 80, "AF_INET6"), SIX),
        (_python(_SEND.format(host=UDP, port=53)), UDP),
        (
            [
                "sh",
                "-c",
                f'sh -c \'exec {sys.executable} -S -c "$0"\' "$0"',
                _CONNECT.format(host=TCP, port=81, family="AF_INET"),
            ],
            TCP,
        ),
        (_python(_LOOK_UP.format(host=NAME)), NAME),
    ]


def talks_to_itself() -> list[str]:
    """A program with a server on loopback, and one that asks it: prints `through`."""
    return _python(_SERVE)


def _python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]
