"""The items of one session on their way: handed to workers, taken back, and told of in the order of the session."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from pv.elsewhere import child
from pv.elsewhere.cluster import Unreachable
from pv.elsewhere.groups import cut
from pv.elsewhere.plan import Plan
from pv.ledger import read as read_ledger
from pv.pytest_plugin.choice import key_of
from pv.pytest_plugin.jobs import job
from pv.pytest_plugin.project import PROJECT
from pv.pytest_plugin.workers import TICK
from pv.shards import recorded

if TYPE_CHECKING:
    import pytest

    from pv.elsewhere.cluster import Cluster
    from pv.elsewhere.plan import Task
    from pv.pytest_plugin.telling import Teller
    from pv.pytest_plugin.workers import Worker, Workers


class Dispatch:
    """Hands out the items of a session; at least one worker is ready.

    Attributes:
        handed: what is being run, by the number of the call, and by whom.
        again: items that were begun once more because a worker died.
    """

    def __init__(self, session: pytest.Session, name: str, cluster: Cluster, workers: Workers, teller: Teller) -> None:
        self._session, self._name = session, name
        self._cluster, self._workers, self._teller = cluster, workers, teller
        homes = [item.nodeid.split("::", maxsplit=1)[0] for item in session.items]
        self._plan: Plan[dict[str, Any]] = Plan(cut(homes, _seconds(session), workers.slots), homes)
        self.handed: dict[int, tuple[Task, Worker]] = {}
        self.again = 0

    def run(self, patience: float) -> None:
        """Have everything run and tell of it; `patience` is how many seconds it goes on without any worker.

        Raises:
            Failed: as many items failed as `-x` or `--maxfail` allow.
            Interrupted: a plugin asks for the end.
            Unreachable: the scheduler is gone, or every worker.
        """
        session, plan, address = self._session, self._plan, self._cluster.address
        looked = alone = time.monotonic()
        while not plan.finished:
            now = time.monotonic()
            if now - looked >= TICK:
                looked = now
                self._look()
            alone = now if self._workers.slots else alone
            if now - alone > patience:
                raise Unreachable(f"no worker is left at {address}, and none came within {patience:g} s")
            self._hand_out()
            self._take()
            for place, outcome in plan.release():
                self._teller.tell(session.items[place], outcome)
                self.again = plan.again
                if session.shouldfail:
                    raise session.Failed(session.shouldfail)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
            self._teller.progress(plan.told, len(session.items), len(self._workers.ready), address)
        self._teller.clear()

    def _look(self) -> None:
        """See who came, and who went with what in hand."""
        for gone in self._workers.look():
            for task in self._taken_from(gone):
                self._plan.lost(task, f"worker {gone.name} went away")

    def _taken_from(self, worker: Worker) -> list[Task]:
        """What a worker has in hand, of which no answer is awaited any more."""
        numbers = [number for number, (_, holder) in self.handed.items() if holder is worker]
        self._cluster.forget(*numbers)
        return [self.handed.pop(number)[0] for number in numbers]

    def _hand_out(self) -> None:
        session = self._session
        recorder: Any = session.config.pluginmanager.get_plugin("pv-record")
        ready = self._workers.ready
        slots = sum(worker.slots for worker in ready)
        free = True
        while free:  # one for each in turn, so that the first worker does not get all that lies together
            free = False
            for worker in ready:
                if len(self._plan.flying(worker.address)) >= worker.slots:
                    continue
                task = self._plan.take(worker.address, slots)
                if task is None:
                    continue
                free = True
                wanted = [session.items[place] for place in task.places]
                text = job(session.config, self._name, wanted, worker.accepted)
                for one in wanted:
                    recorder.begin(one.nodeid)
                self.handed[self._cluster.submit(worker.address, child.work, text)] = task, worker

    def _take(self) -> None:
        """Take one answer, if there is one soon."""
        ended = self._cluster.next(TICK)
        if ended is None:
            return
        number, text, problem = ended
        if number in self._workers.greeted:
            self._workers.welcome(self._workers.greeted.pop(number), text, problem)
        elif number in self.handed:
            task, worker = self.handed.pop(number)
            if text is None:
                self._plan.lost(task, f"worker {worker.name}: {problem}")
            else:
                self._judge(task, worker, text)

    def _judge(self, task: Task, worker: Worker, text: str) -> None:
        """See what became of a task, and whether it counts."""
        told = json.loads(text)
        other = self._workers.other_inputs(told.get("done", ()))
        if "done" not in told or other:
            self._plan.back(task)
            if other:
                self._workers.refuse(worker, ["its evidence rests on other files", *other])
            else:  # its process is another one now
                worker.accepted = ""
                self._workers.welcome(worker, text)
            if worker.address in self._workers.refused:
                for late in self._taken_from(worker):
                    self._plan.back(late)
            return
        places = {self._session.items[place].nodeid: place for place in task.places}
        outcomes = {places[one["item"]]: {**one, "worker": worker.name} for one in told["done"]}
        died = told.get("died")
        if died is None:
            self._plan.done(task, outcomes)
            return
        begun, how = died["node"], f"on worker {worker.name}, {died['how']}"
        self._plan.done(task, outcomes, (None, f"{how}, before it began") if begun is None else (places[begun], how))


def _seconds(session: pytest.Session) -> list[float | None]:
    """What each item took according to the ledger."""
    keys = [key_of(item) for item in session.items]
    known = recorded(read_ledger(session.config.stash[PROJECT].ledger), {key for key in keys if key is not None})
    return [None if key is None else known.get(key) for key in keys]
