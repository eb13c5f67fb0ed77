"""In a worker: the processes of pytest that run items there, one for each task that the worker runs at a time.

They outlive a group, so that the fixtures of a session are made once in each, and end with the session that asked for them,
with the worker, or when nobody has asked anything of them for a while.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from pv.elsewhere.channel import Channel

CHECKOUT = "PV_CHECKOUT"  # where a worker has the project, if that is not where the session has it
ROOT = "\0"  # stands for the root of the project in what the session was called with; no argument can hold it

_TOLD = 30  # lines of a process that died which are told
_PATIENCE = 20  # seconds for fixtures to be taken down
_DYING = 5  # seconds for a process that has closed its end to be gone

_lock = threading.Lock()
_idle: dict[str, list[Child]] = {}
_busy: dict[str, set[Child]] = {}
_folders: dict[str, Path] = {}  # where the processes of a session keep what ends with it
_stopped: set[str] = set()


class Child:
    """One process of pytest that has collected the project and waits for items."""

    def __init__(self, job: dict[str, Any], root: Path, folder: Path) -> None:
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the process
        arguments = [str(one).replace(ROOT, str(root)) for one in job["arguments"]]
        path = [] if job["here_on_path"] else ["-P"]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *path, "-m", "pytest", "--pv-serve", str(theirs.fileno()), *arguments],
                cwd=root / job["here"],
                env={**_environment(job["environment"]), "TMPDIR": str(folder)},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._messages = self._channel.messages()
        self.ready: dict[str, Any] | None = None
        self.worker_input = job["input"]
        self.last_words = ""

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def greet(self) -> bool:
        """Wait until it has collected; whether it has."""
        if self.ready is None:
            with contextlib.suppress(OSError):  # it is dead already
                self._channel.send({"input": self.worker_input})
            self.ready = next(self._messages, None)
        return self.ready is not None

    def run(self, wanted: list[dict[str, Any]]) -> dict[str, Any]:
        """Have it run items; what became of each that ended, and of the process if it did not outlive them."""
        done: list[dict[str, Any]] = []
        begun = None
        with contextlib.suppress(OSError):  # it is dead already
            self._channel.send({"run": wanted})
        for message in self._messages:
            if "begin" in message:
                begun = message["begin"]
            elif "unknown" in message:
                return {"refused": f"it does not collect {message['unknown']}"}
            elif "item" in message:
                done.append(message)
                begun = None
            else:
                return {"done": done}
        return {"done": done, "died": {"node": begun, "how": self.end()}}

    def finish(self) -> str:
        """Let it take its fixtures down and end; what went wrong with that."""
        with contextlib.suppress(OSError):  # it is dead already
            self._channel.send({"end": True})
        guard = threading.Timer(_PATIENCE, self.kill)
        guard.start()
        try:
            last = next(self._messages, None)
            self._process.wait()
        finally:
            guard.cancel()
            self._close()
        return "its process did not end in order" if last is None else str(last["ended"])

    def kill(self) -> None:
        """End it and what it has started, now."""
        with contextlib.suppress(OSError):  # it has ended
            os.killpg(self._process.pid, signal.SIGKILL)

    def end(self) -> str:
        """How it died, of which nobody hears any more; what it has started ends as well."""
        try:
            code = self._process.wait(_DYING)
        except subprocess.TimeoutExpired:  # it has only closed its end
            self.kill()
            code = self._process.wait()
        self._close()
        return f"signal {-code}" if code < 0 else f"exit status {code}"

    def _close(self) -> None:
        """Let go of what is left of it, its last words kept."""
        self.kill()
        self._channel.close()
        self._log.seek(0)
        text = self._log.read().decode("utf-8", "replace")
        self.last_words = "\n".join(text.strip().splitlines()[-_TOLD:])
        self._log.close()


def work(text: str) -> str:
    """Run a group of items for a session, and give back what became of them; this is what dask calls in a worker's thread.

    Args:
        text: JSON of `session`, how pytest is started (`arguments`, `here`, `here_on_path`, `root`, `environment`, `input`), the
            items to `run`, and the digest of the identity that is `expected`; no items and no digest only make it ready.

    Returns:
        JSON of the name of the `worker`, and what there is to tell of: `identity`, `refused`, `done`, `died`.
    """
    from distributed import get_worker  # noqa: PLC0415  this runs in a worker only

    worker = get_worker()
    return json.dumps({"worker": str(worker.name), **answer(json.loads(text), worker.local_directory)})


def answer(job: dict[str, Any], top: str | None = None) -> dict[str, Any]:
    """The same, without dask; `top` is the folder in which the worker may keep files, and which is cleared if it dies."""
    from pv.elsewhere.identity import digest  # noqa: PLC0415  what is not there is told, and not raised by an import

    root = _root(job)
    if root is None:
        return {
            "refused": f"{_place(job)} is no folder there with a pyproject.toml; set {CHECKOUT} in the environment of the "
            "worker to its checkout of the project"
        }
    session = job["session"]
    with _lock:
        waiting = [one for one in _idle.get(session, ()) if one.lives]  # one that had nothing to do for long has ended
        if session not in _folders:
            _folders[session] = Path(tempfile.mkdtemp(prefix="pv-", dir=top))
        child = waiting.pop() if waiting else Child(job, root, _folders[session])
        _idle[session] = waiting
        _busy.setdefault(session, set()).add(child)
        stopped = session in _stopped
    alive = False
    try:
        if stopped or not child.greet() or child.ready is None:
            how = child.end()
            return {"refused": f"pytest does not begin there ({how}):\n{child.last_words}", "root": str(root)}
        theirs = child.ready["identity"]
        if job["expected"] != digest(theirs):
            alive = True
            return {"identity": theirs, "root": str(root)}
        told = child.run(job["run"])
        alive = "died" not in told
        return told
    finally:
        with _lock:
            _busy[session].discard(child)
            if alive and session not in _stopped:
                _idle[session].append(child)
                alive = False
        if alive:
            child.kill()
            child.end()
        _clear(session)


async def finish(session: str) -> str:
    """End what was started for a session, in order; JSON of what went wrong."""
    with _lock:
        ending = _idle.pop(session, [])
        _stopped.add(session)
    told = [await asyncio.to_thread(child.finish) for child in ending]
    await asyncio.to_thread(_clear, session)
    return json.dumps([one for one in told if one])


async def stop(session: str) -> str:
    """End what was started for a session at once, whatever it is doing."""
    with _lock:
        idle, busy = _idle.pop(session, []), list(_busy.get(session, ()))
        _stopped.add(session)
    for child in (*idle, *busy):
        child.kill()
    for child in idle:  # of the others, who waits for an answer hears that they died
        await asyncio.to_thread(child.end)
    await asyncio.to_thread(_clear, session)
    return json.dumps([])


def _clear(session: str) -> None:
    """Remove the files of a session that is over, when nothing is running for it any more."""
    with _lock:
        over = session in _stopped and not _busy.get(session)
        folder = _folders.pop(session, None) if over else None
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)


def _place(job: dict[str, Any]) -> Path:
    return Path(os.environ.get(CHECKOUT) or job["root"]).expanduser()


def _root(job: dict[str, Any]) -> Path | None:
    root = _place(job)
    return root.resolve() if (root / "pyproject.toml").is_file() else None


def _environment(told: dict[str, str | None]) -> dict[str, str]:
    """That of the worker, but for what decides how numbers are added: there it is as in the session.

    Dask itself sets the number of threads of the libraries that multiply matrices.
    """
    own = {name: value for name, value in os.environ.items() if name not in told}
    return own | {name: value for name, value in told.items() if value is not None}
