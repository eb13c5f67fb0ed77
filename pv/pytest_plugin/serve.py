"""The end of a scheduler's worker: a session of pytest that has collected, and runs what it is told to over a socket.

To other plugins it looks like a worker of pytest-xdist: it keeps no ledger and writes no reports, and it has the seeds of the
session that it works for.
"""

from __future__ import annotations

import os
import queue
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pv.elsewhere.channel import Channel
from pv.elsewhere.identity import identity
from pv.pytest_plugin.carried import (
    kept_folder,
    pack_folder,
    pack_report,
    pack_warning,
    row_of,
    unpack_folder,
)
from pv.pytest_plugin.project import PROJECT

if TYPE_CHECKING:
    import warnings
    from collections.abc import Sequence

_IDLE = 600.0  # seconds without a word from a session, which then has died or has nothing left for this worker

# What the session has decided already, and what only its own process may write.
_OFF: dict[str, object] = {
    "pv_shard": None,
    "pv_durations": None,
    "resume": False,
    "lf": False,
    "failedfirst": False,
    "newfirst": False,
    "stepwise": False,
    "stepwise_skip": False,
    "stepwise_reset": False,
    "cacheshow": None,
    "cacheclear": False,
    "maxfail": 0,
    "xmlpath": None,
    "log_file": None,
    "pastebin": None,
}


class Served:
    """Runs the items that come over the socket with this file descriptor, and tells what became of them."""

    def __init__(self, descriptor: int) -> None:
        os.set_inheritable(descriptor, False)  # what the items start must not keep it open
        self._channel = Channel(socket.socket(fileno=descriptor))
        self._messages = self._channel.messages()
        self._told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._events: list[list[Any]] = []
        told = next(self._messages, {})  # nothing, where the other end is gone already
        self.input: dict[str, Any] = {**told.get("input", {}), "workerid": f"pv-{os.getpid()}"}
        self._held = Path()

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Put aside what the session has decided; temporary files lie as those of a worker of pytest-xdist do."""
        base = Path(tempfile.gettempdir()) / "pytest-of-pv" / "pytest-0" / f"popen-gw{os.getpid()}"
        base.parent.mkdir(parents=True, exist_ok=True)
        config.option.basetemp = base
        for name, value in _OFF.items():
            if hasattr(config.option, name):
                setattr(config.option, name, value)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Listen, and keep examples in a folder of this process: the checkout may be one that cannot be written."""
        self._held = Path(tempfile.mkdtemp(prefix="pv-"))
        session.config.stash[PROJECT].held = self._held / "ledger.jsonl"
        threading.Thread(target=self._listen, daemon=True).start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run what is asked for until the end is asked for."""
        items = {item.nodeid: item for item in session.items}
        project = session.config.stash[PROJECT]
        mine = identity(session.config.rootpath, project.files, plugins(session.config))
        self._channel.send({"identity": mine})
        while True:
            try:
                message = self._told.get(timeout=_IDLE)
            except queue.Empty:
                return True
            if "end" in message:
                self._channel.send({"ended": _take_down(session)})
                return True
            self._run(session, items, message["run"])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep a report for the session."""
        self._events.append(["report", pack_report(self._config, report)])

    def pytest_warning_recorded(self, warning_message: warnings.WarningMessage, when: str, nodeid: str) -> None:
        """Keep a warning of an item; those of collection the session has seen itself."""
        if when == "runtest":
            self._events.append(["warning", pack_warning(warning_message, when, nodeid)])

    def pytest_unconfigure(self) -> None:
        """Leave nothing behind."""
        if self._held != Path():
            shutil.rmtree(self._held, ignore_errors=True)

    def _listen(self) -> None:
        for message in self._messages:
            self._told.put(message)
        shutil.rmtree(self._held, ignore_errors=True)
        os._exit(1)  # the other end is gone, so there is nothing left to do, whatever is being done

    def _run(self, session: pytest.Session, items: dict[str, pytest.Item], wanted: Sequence[dict[str, Any]]) -> None:
        missing = next((one["node"] for one in wanted if one["node"] not in items), None)
        if missing is not None:
            self._channel.send({"unknown": missing})
            return
        self._config = session.config
        following = [items[one["node"]] for one in wanted[1:]]
        for one, after in zip(wanted, [*following, None], strict=True):
            item = items[one["node"]]
            folder = kept_folder(item)
            unpack_folder(folder, one["examples"])
            self._events = []
            self._channel.send({"begin": item.nodeid})
            # at the end of a group, what was made for the session is kept for the next, and nothing else: the session, in the
            # place of an item, says so
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=after or session)
            rows = [row for kind, data in self._events if kind == "report" and (row := row_of(data)) is not None]
            told = {
                "events": self._events,
                "inputs": rows[-1]["inputs"] if rows else [],
                "examples": pack_folder(folder),
            }
            self._channel.send({"item": item.nodeid, **told})
        self._channel.send({"ran": len(wanted)})


def plugins(config: pytest.Config) -> dict[str, str]:
    """The version of pytest and of each plugin that is installed."""
    return {
        "pytest": pytest.__version__,
        **{found.project_name: found.version for _, found in config.pluginmanager.list_plugin_distinfo()},
    }


def _take_down(session: pytest.Session) -> str:
    """End the fixtures that are left; what went wrong with that, in one line."""
    try:
        session._setupstate.teardown_exact(None)  # noqa: SLF001  pytest itself does it after the item that it knows to be the last
    except Exception as problem:  # noqa: BLE001  whatever a fixture raises is told
        return f"{type(problem).__name__}: {problem}"
    return ""
