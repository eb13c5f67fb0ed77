"""A command with its limits: what it said, how it ended, and nothing of its process group left running."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pv.limits import ShellLimits

# the variables that every command is given, if they are set; nothing that could be a credential
GIVEN = ("PATH", "LANG", "LANGUAGE", "TZ", "LC_ALL", "LC_CTYPE", "LC_COLLATE", "LC_MESSAGES", "LC_NUMERIC", "LC_TIME")
FILE_BYTES = 1 << 30  # of a file that it writes
OUTPUT_BYTES = 16 << 20  # that it may print
_KEPT = 1 << 16  # bytes of its output, the last ones
_CHUNK = 1 << 16
_LOOK = 0.1  # seconds between two looks at whether it has ended
_REST = 1.0  # seconds for what was printed before it was ended


class Finished(NamedTuple):
    """How a command ended.

    Attributes:
        status: its exit status; negative for a signal.
        output: the end of what it printed, standard output and standard error as they came.
        over: the limit that it was ended for: `time`, `output`, or nothing.
    """

    status: int
    output: str
    over: str = ""


def search_path() -> str:
    """Where programs are looked for."""
    return os.environ.get("PATH", os.defpath)


def run(argv: Sequence[str], project: Path, limits: ShellLimits) -> Finished:
    """Run a command to its end, in an empty folder that goes with it; standard input is empty.

    Raises:
        OSError: there is no space for its folder, or no process can be started.
    """
    with tempfile.TemporaryDirectory(prefix="pv-shell-", ignore_cleanup_errors=True) as top:
        folder = Path(top)
        for name in ("work", "home", "tmp"):
            (folder / name).mkdir()
        request = {"memory": limits.memory, "file_bytes": FILE_BYTES, "env": _environment(folder, project, limits)}
        start = Path(__file__).with_name("start.py")
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(start), json.dumps(request), *argv],
            cwd=folder / "work",
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            said, over = _listen(process, time.monotonic() + limits.seconds)
        finally:
            _end(process)
    return Finished(process.returncode, said.decode("utf-8", "replace"), over)


def _environment(folder: Path, project: Path, limits: ShellLimits) -> dict[str, str]:
    given = {name: os.environ[name] for name in (*GIVEN, *limits.env) if name in os.environ}
    own = {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PV_PROJECT": str(project)}
    return {"PATH": os.defpath, **given, **own}


def _listen(process: subprocess.Popen[bytes], until: float) -> tuple[bytes, str]:
    """The end of what it prints, until it has ended or is beyond a limit, and which limit that is."""
    said, total = b"", 0
    for data in _read(process, until):
        said, total = (said + data)[-_KEPT:], total + len(data)
        if total > OUTPUT_BYTES:
            return said, "output"
    return said, "time" if process.poll() is None else ""


def _read(process: subprocess.Popen[bytes], until: float) -> Iterator[bytes]:
    """What it prints as it comes; ends when the process does, though what it has left behind may still hold the pipe."""
    stream = process.stdout
    if stream is None:
        raise RuntimeError("the command was started without a pipe")
    os.set_blocking(stream.fileno(), False)
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            gone = process.poll() is not None
            if gone:
                _kill_group(process)  # so that nobody goes on printing
                until = min(until, time.monotonic() + _REST)
            if not selector.select(min(_LOOK, left)):
                if gone:
                    return
                continue
            data = os.read(stream.fileno(), _CHUNK)
            if not data:
                break
            yield data
        with contextlib.suppress(subprocess.TimeoutExpired):  # it has closed its output and goes on
            process.wait(max(until - time.monotonic(), 0))


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill_group(process)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # all gone, or run as another user by now
        os.killpg(process.pid, signal.SIGKILL)
