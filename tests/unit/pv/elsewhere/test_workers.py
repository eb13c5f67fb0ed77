"""Who may run items of a session: a worker that judges with something else is refused, and those beside it go on."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

from pv.pytest_plugin.workers import Workers

if TYPE_CHECKING:
    from pv.elsewhere.cluster import Cluster

OURS = {"pv": "1", "falsifiers": "a" * 64}


class Scheduler:
    """Knows who is there, and counts what it is handed."""

    def __init__(self, *addresses: str) -> None:
        self.there = dict.fromkeys(addresses, 1)
        self.handed: list[str] = []
        self._numbers = itertools.count()

    def workers(self) -> dict[str, int]:
        return self.there

    def submit(self, address: str, *_: object) -> int:
        self.handed.append(address)
        return next(self._numbers)

    def forget(self, *_: int) -> None:
        pass


def answer(name: str, **other: str) -> str:
    return json.dumps({"worker": name, "root": f"/{name}", "identity": {**OURS, **other}})


def greeted(scheduler: Scheduler) -> Workers:
    found = Workers(cast("Cluster", scheduler), "hello", Path(), 1.0)
    found.expected = OURS
    found.look()
    return found


def test_one_with_other_code_is_refused_and_the_other_goes_on() -> None:
    scheduler = Scheduler("tcp://a", "tcp://b")
    workers = greeted(scheduler)
    assert sorted(scheduler.handed) == ["tcp://a", "tcp://b"]
    for worker in list(workers.greeted.values()):
        name = worker.address[-1]
        workers.welcome(worker, answer(name) if name == "a" else answer(name, falsifiers="b" * 64))
    assert [worker.name for worker in workers.ready] == ["a"]
    assert workers.slots == 1
    assert workers.refused == {
        "tcp://b": "worker b (tcp://b) is refused: /b is not what this process has\n"
        f"  falsifiers is {'b' * 12}, expected {'a' * 12}"
    }
    workers.look()
    assert len(scheduler.handed) == 2  # nobody is asked twice


def test_one_that_cannot_answer_is_refused_with_what_it_said() -> None:
    workers = greeted(Scheduler("tcp://a", "tcp://b"))
    silent, unable = workers.greeted.values()
    workers.welcome(silent, None, "KilledWorker")
    workers.welcome(unable, json.dumps({"worker": "b", "refused": "no such folder"}))
    assert workers.ready == []
    told = [said.partition(" is refused: ")[2] for said in workers.refused.values()]
    assert told == ["KilledWorker", "no such folder"]


def test_one_that_went_away_is_greeted_again_when_it_is_back() -> None:
    scheduler = Scheduler("tcp://a")
    workers = greeted(scheduler)
    scheduler.there = {}
    assert [worker.address for worker in workers.look()] == ["tcp://a"]
    assert workers.greeted == {}
    scheduler.there = {"tcp://a": 2}
    assert workers.look() == []
    assert workers.slots == 2
    assert len(scheduler.handed) == 2
