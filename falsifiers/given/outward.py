"""What leads out: paths and links out of a folder, and programs that try the network."""

from __future__ import annotations

import json
import socket
import sys
import time
from typing import TYPE_CHECKING, Any

from given.sessions import Call, lines, session
from given.students import tree_hash
from pv import Refuted

if TYPE_CHECKING:
    from pathlib import Path

    from given.action_traces import Tracing
    from pv import Evidence

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


def hold_folder(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """What leads out of a folder is refused and touches nothing."""
    inside, secret = dig_out(folder)
    for name, given_input in ways_out(secret):
        ok, said = tracing.tool(inside, name, given_input)
        evidence.compared(1, "ways out of a folder")
        if ok or SECRET in said:
            raise Refuted(f"{name} {given_input} is not refused: {said}", stage="folder")
        if {path.name: path.read_text() for path in secret.parent.iterdir()} != {secret.name: SECRET}:
            raise Refuted(f"{name} {given_input} is refused, and something outside is changed", stage="folder")
    hold_search(evidence, tracing, inside, secret)
    if tracing.tool(inside, "Read", {"file_path": "plain.txt"})[0] is not True:
        raise Refuted("a file inside cannot be read", stage="folder")


def hold_search(evidence: Evidence, tracing: Tracing, inside: Path, secret: Path) -> None:
    """What goes through a whole folder does not go out of it, and what is refused, or written, leaves nothing elsewhere."""
    for name, given_input in (("Grep", {"pattern": "lies", "output_mode": "content"}), ("Glob", {"pattern": "**/*"})):
        _, said = tracing.tool(inside, name, given_input)
        evidence.compared(1, "searches")
        if "lies" in said.replace("'lies'", "") or secret.name in said:
            raise Refuted(f"{name} of the whole folder says {said}", stage="folder")
    tracing.tool(inside, "Write", {"file_path": "new/../../outside/secret.txt", "content": "changed"})
    (inside / "hard").hardlink_to(secret)
    tracing.tool(inside, "Write", {"file_path": "hard", "content": "changed"})
    evidence.compared(2, "writes")
    if (inside / "new").exists() or secret.read_text(encoding="utf-8") != SECRET:
        raise Refuted("a path that is refused makes a folder, or a hard link is written through", stage="folder")


def hold_socket(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """Who listens at a socket of the file system from before has a network, whatever is done to the socket first."""
    place = folder / "service"
    with socket.socket(socket.AF_UNIX) as service:
        service.bind(str(place))
        service.listen()
        time.sleep(0.05)  # files get their times from a clock that ticks
        for first in ("pass", "os.chmod(place, 0o700)"):
            code = f"import os, socket; place = {str(place)!r}; {first}; socket.socket(socket.AF_UNIX).connect(place); print('through')"
            said = tracing.confined(_python(code), folder).stdout
            evidence.compared(1, "programs")
            if said:
                raise Refuted(f"a socket of the file system from before is reached, behind {first}", stage="sockets")


def hold_replay(evidence: Evidence, tracing: Tracing, folder: Path) -> None:
    """A recorded command that tries the network fails its replay, one that does not does not."""
    for out, line in ((False, "true"), (True, f"timeout 5 bash -c 'exec 3<>/dev/tcp/{TCP}/80' || true")):
        recording = folder / f"{out}.ccpa-trace.jsonl"
        result = Call("Bash", {"command": line}, exit_code=0)
        recording.write_bytes(lines(session([result], tree=tree_hash({}))))
        ran = tracing.ccpa("replay", recording, "--allow-bash", "--results", "none", "--json")
        evidence.compared(1, "replays")
        report = json.loads(ran.out)
        listed = any(attempt["target"] == f"{TCP}:80" for attempt in report["attempts"])
        if listed is not out:
            raise Refuted(f"a replay of {line!r} is listed with {report['attempts']}", stage="attempts")
        if report["problems"] != (["the network was tried"] if out else []) or ran.code != int(out):
            raise Refuted(f"a replay of {line!r} exits with {ran.code}: {report['problems']}", stage="gate")


def _python(code: str) -> list[str]:
    return [sys.executable, "-S", "-c", code]
