"""A command, its time and its limits: what it said and how it ended, and nothing of it left running."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from apr.agent.limits import OUTPUT_CHARACTERS
from apr.errors import AprError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_CHUNK = 2**16
_LOOK = 0.25  # seconds between two looks at whether anything is still running


@dataclass(frozen=True)
class Finished:
    """How a command ended.

    Attributes:
        exit_code: 128 + number for a signal, 127 where the program could not be started.
        output: standard output and standard error as they came, the middle left out where it was too long.
        timed_out: whether it was ended because its time was up.
        seconds: wall time.
        left: processes that could not be ended, since they run as another user.
    """

    exit_code: int
    output: str
    timed_out: bool
    seconds: float
    left: int


class Unwatched(AprError):
    """The process that watches over a command was ended, perhaps by the command."""


class Kept:
    """Text as it comes in, of which only the first and the last part are kept.

    Args:
        limit: characters to keep.
    """

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._decode = codecs.getincrementaldecoder("utf-8")("replace")
        self._head, self._tail, self._left_out = "", "", 0

    def add(self, data: bytes, *, final: bool = False) -> None:
        """Takes the next bytes; what is no UTF-8 becomes U+FFFD."""
        text = self._decode.decode(data, final)
        room = self._half - len(self._head)
        self._head += text[:room]
        self._tail += text[room:]
        if len(self._tail) > 2 * self._half:
            self._cut()

    def text(self) -> str:
        """The text, with a line in the middle that says how much was left out."""
        self.add(b"", final=True)
        self._cut()
        note = f"\n[{self._left_out:,} characters left out]\n" if self._left_out else ""
        return f"{self._head}{note}{self._tail}"

    def _cut(self) -> None:
        more = max(len(self._tail) - self._half, 0)
        self._left_out += more
        self._tail = self._tail[more:]


def run_watched(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    seconds: float,
    limits: Mapping[str, int] | None = None,
    keep: int = OUTPUT_CHARACTERS,
    tick: Callable[[], None] | None = None,
) -> Finished:
    """Runs a command to its end, and ends whatever it left running; standard input is empty.

    Args:
        argv: the program and its arguments.
        cwd: the folder it runs in.
        env: its whole environment.
        seconds: after which it is ended.
        limits: `memory`, `file_bytes` (bytes), `processes` (of the user), `core`.
        keep: characters of its output that are kept.
        tick: called about four times a second.

    Raises:
        Unwatched: the process that watches over it was ended; the command's own session was ended as well.
    """
    request = {
        "argv": list(argv),
        "env": dict(env),
        "cwd": str(cwd),
        "seconds": seconds,
        "limits": dict(limits or {}),
        "parent": os.getpid(),
    }
    kept = Kept(keep)
    started = monotonic()
    with tempfile.TemporaryFile("w+", encoding="utf-8") as control:
        json.dump(request, control)
        control.flush()
        control.seek(0)
        warden = subprocess.Popen(
            [sys.executable, "-P", "-m", "apr.agent.warden", str(control.fileno())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(control.fileno(),),
            start_new_session=True,
        )
        try:
            _collect(warden, kept, tick)
            warden.wait()
        except BaseException:
            warden.send_signal(signal.SIGTERM)
            warden.wait()
            raise
        finally:
            if warden.stdout:
                warden.stdout.close()
        control.seek(0)
        text = control.read()
    answer = _answer(text)
    if "exit_code" not in answer:
        if "session" in answer:
            _end_session(answer["session"])
        raise Unwatched(
            f"the process that watches over commands failed: {kept.text().strip()[-300:] or warden.returncode}"
        )
    exit_code = answer["exit_code"]
    return Finished(
        128 + signal.SIGKILL if exit_code is None else exit_code,
        kept.text(),
        answer["why"] == "time",
        monotonic() - started,
        answer["left"],
    )


def _answer(text: str) -> dict[str, Any]:
    """What the watcher wrote; nothing where it was ended before, or while it wrote."""
    try:
        answer = json.loads(text)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) and "argv" not in answer else {}  # else it is still the request


def _end_session(session: int) -> None:
    """Ends every process of a session; its first process had the session's number."""
    for entry in Path("/proc").iterdir() if Path("/proc").is_dir() else ():
        if entry.name.isdigit():
            # it may be gone by now, or be somebody else's
            with contextlib.suppress(OSError):
                if os.getsid(int(entry.name)) == session:
                    os.kill(int(entry.name), signal.SIGKILL)


def _collect(warden: subprocess.Popen[bytes], kept: Kept, tick: Callable[[], None] | None) -> None:
    """Reads what the command says, until nobody can say anything any more or its watcher is gone."""
    assert warden.stdout is not None  # noqa: S101 - Popen was asked for it
    descriptor = warden.stdout.fileno()
    os.set_blocking(descriptor, False)
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        while True:
            gone = warden.poll() is not None
            ready = selector.select(0 if gone else _LOOK)
            if tick:
                tick()
            if ready:
                data = os.read(descriptor, _CHUNK)
                if not data:
                    return
                kept.add(data)
            elif gone:
                return
