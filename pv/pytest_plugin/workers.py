"""The workers of a scheduler that are there for a session, and which of them may run its items."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from pv.elsewhere import child
from pv.elsewhere.identity import differences, digest
from pv.naming import path_of
from pv.types import UsageProblem
from pv.watched import first

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pv.elsewhere.cluster import Cluster
    from pv.elsewhere.identity import Identity

TICK = 0.5  # seconds between two looks at who is there

# What pytest makes for a session has the same name on two machines by chance.
_OF_A_SESSION = re.compile(r"/pytest-of-[^/]+/pytest-\d+/")


class Worker:
    """A worker that is there."""

    def __init__(self, address: str, slots: int) -> None:
        self.address, self.slots = address, slots
        self.name = address
        self.accepted = ""  # the digest of the identity with which it may run items; empty until then

    def __str__(self) -> str:
        """Its name, and its address if that is another."""
        return self.address if self.name == self.address else f"{self.name} ({self.address})"


class Workers:
    """Asks each worker that comes what it judges with.

    Attributes:
        expected: what this process judges with; it must be known before answers are heard.
        greeted: those that have not answered yet, by the number of the call.
        refused: why, by address, so that nobody is asked twice.
    """

    def __init__(self, cluster: Cluster, greeting: str, root: Path, patience: float) -> None:
        self._cluster, self._greeting, self._root, self._patience = cluster, greeting, root, patience
        self._there: dict[str, Worker] = {}
        self._inputs: dict[str, str] = {}
        self.expected: Identity = {}
        self.greeted: dict[int, Worker] = {}
        self.refused: dict[str, str] = {}

    @property
    def ready(self) -> list[Worker]:
        """Those that may run items."""
        return [worker for worker in self._there.values() if worker.accepted]

    @property
    def slots(self) -> int:
        """How many groups all that are there run at a time, whether they have answered or not."""
        return sum(worker.slots for worker in self._there.values())

    def name(self, address: str) -> str:
        """What to call the worker at an address."""
        return str(self._there.get(address, address))

    def look(self) -> list[Worker]:
        """Greet who came; who went away.

        Raises:
            Unreachable: the scheduler is gone.
        """
        there = self._cluster.workers()
        for address in there.keys() - self._there.keys() - self.refused.keys():
            self._there[address] = worker = Worker(address, there[address])
            self.greeted[self._cluster.submit(address, child.work, self._greeting)] = worker
        gone = [self._there.pop(address) for address in self._there.keys() - there.keys()]
        for number in [number for number, worker in self.greeted.items() if worker in gone]:
            del self.greeted[number]
            self._cluster.forget(number)
        return gone

    def await_one(self) -> None:
        """Wait for the first worker that may run something.

        Raises:
            Unreachable: the scheduler is gone.
            UsageProblem: every worker was refused, or none was ready in time.
        """
        end = time.monotonic() + self._patience
        while not self.ready:
            if not self.greeted and self.refused:
                raise UsageProblem("\n".join(["no worker can run this session", *self.refused.values()]))
            if time.monotonic() > end:
                waiting = ", ".join(str(worker) for worker in self.greeted.values())
                raise UsageProblem(
                    f"no worker was ready within {self._patience:g} s"
                    + (f"; still collecting: {waiting}" if waiting else "")
                    + f"; start one with `dask worker {self._cluster.address}` where this project is, "
                    "or wait longer with --pv-scheduler-timeout"
                )
            self.look()
            ended = self._cluster.next(TICK)
            if ended is not None and ended[0] in self.greeted:
                self.welcome(self.greeted.pop(ended[0]), ended[1], ended[2])

    def welcome(self, worker: Worker, text: str | None, problem: str = "") -> None:
        """Let a worker run items if it judges with what this process judges with; `problem` says why it has not answered."""
        told: dict[str, Any] = {"refused": problem} if text is None else json.loads(text)
        worker.name = told.get("worker", worker.name)
        if "refused" in told:
            self.refuse(worker, [told["refused"]])
            return
        theirs: Identity = told["identity"]
        wrong = differences(theirs, self.expected)
        if wrong:
            self.refuse(worker, [f"{told['root']} is not what this process has", *wrong])
        else:
            worker.accepted = digest(theirs)

    def refuse(self, worker: Worker, why: Sequence[str]) -> None:
        """Ask nothing of a worker any more."""
        self._there.pop(worker.address, None)
        self.refused[worker.address] = "\n  ".join([f"worker {worker} is refused: {why[0]}", *why[1:]])

    def other_inputs(self, done: Sequence[dict[str, Any]]) -> list[str]:
        """Which inputs of evidence are not what this process, or the first worker that used them, has under that name.

        Raises:
            OSError: the file of that name here cannot be read.
        """
        found = []
        for entry in (entry for one in done for entry in one["inputs"]):
            name, sha256 = entry["path"], entry["sha256"]
            if _OF_A_SESSION.search(name):
                continue
            if name not in self._inputs:
                here = path_of(name, self._root)
                self._inputs[name] = first(here) if here.exists() else sha256
            if self._inputs[name] != sha256:
                found.append(f"{entry['kind']} {name} is {sha256[:12]} there, expected {self._inputs[name][:12]}")
        return list(dict.fromkeys(found))
