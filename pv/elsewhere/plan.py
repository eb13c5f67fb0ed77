"""Who runs what next, what is run again, and what can be told: decided without knowing how anything is run.

Outcomes are released in the order of the session, whatever the order in which they come: a ledger of many workers reads like
that of one process, and `-x` stops behind the same item.
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Outcome = TypeVar("Outcome")

TRIES = 3  # how often a worker may die of an item
AHEAD = 64  # items that each slot may be ahead of the first one that is not released: what is held in memory is bounded


@dataclass(frozen=True, order=True)
class Task:
    """Items, as places in the order of the session, that are handed out together; `deaths` is what each of them has cost."""

    places: tuple[int, ...]
    deaths: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Dead:
    """The outcome of an item that no worker survived: what became of each that tried."""

    deaths: tuple[str, ...]


class Plan(Generic[Outcome]):
    """The groups that wait, those that are run now, and the outcomes that wait for one before them."""

    def __init__(self, groups: Sequence[tuple[int, ...]], homes: Sequence[str]) -> None:
        self._waiting = [Task(group) for group in groups]
        self._homes = homes
        self._flying: dict[Task, str] = {}
        self._held: dict[int, Outcome | Dead] = {}
        self._head = 0
        self._last: dict[str, str] = {}  # the contract that a worker ran last
        self.again = 0  # items that were begun once more because a worker died

    @property
    def finished(self) -> bool:
        """Whether every outcome was released."""
        return self._head == len(self._homes)

    @property
    def told(self) -> int:
        """How many outcomes are known, released or not."""
        return self._head + len(self._held)

    def flying(self, worker: str) -> list[Task]:
        """What a worker has in hand."""
        return [task for task, holder in self._flying.items() if holder == worker]

    def take(self, worker: str, slots: int) -> Task | None:
        """What a worker is handed next, of `slots` in all; None if it has to wait.

        It is the next in order, or one close behind it of the contract whose fixtures this worker has.
        """
        if not self._waiting:
            return None
        near = (task for task in self._waiting[: 2 * slots] if self._home(task) == self._last.get(worker))
        task = next(near, self._waiting[0])
        if len(self._held) + sum(len(one.places) for one in self._flying) >= AHEAD * slots:
            task = self._waiting[0]
            if self._head not in task.places:  # it is being run; without it nothing that is held can be released
                return None
        self._waiting.remove(task)
        self._flying[task] = worker
        self._last[worker] = self._home(task)
        return task

    def done(self, task: Task, outcomes: Mapping[int, Outcome], died: tuple[int | None, str] | None = None) -> None:
        """Take what became of a task; `died` names the item at which what ran it died, and how.

        None in the place of the item: no item was being run. The next one counts it, or it could be handed out for ever.
        """
        self._flying.pop(task)
        self._held |= outcomes
        rest = tuple(place for place in task.places if place not in outcomes)
        if died is not None and rest:
            at = rest[0] if died[0] is None else died[0]
            self._once_more(at, (*task.deaths, died[1]))
            rest = tuple(place for place in rest if place != at)
        if rest:
            bisect.insort(self._waiting, Task(rest, task.deaths))

    def lost(self, task: Task, how: str) -> None:
        """The worker died with a task in hand. Nobody knows at which item: from now on each is run by itself."""
        self._flying.pop(task)
        for place in task.places:
            self._once_more(place, (*task.deaths, how))

    def back(self, task: Task) -> None:
        """Take a task back as if it had not been handed out."""
        self._flying.pop(task)
        bisect.insort(self._waiting, task)

    def release(self) -> Iterator[tuple[int, Outcome | Dead]]:
        """The outcomes that are next in order."""
        while self._head in self._held:
            self._head += 1
            yield self._head - 1, self._held.pop(self._head - 1)

    def _once_more(self, place: int, deaths: tuple[str, ...]) -> None:
        if len(deaths) >= TRIES:
            self._held[place] = Dead(deaths)
            return
        self.again += 1
        bisect.insort(self._waiting, Task((place,), deaths))

    def _home(self, task: Task) -> str:
        return self._homes[task.places[0]]
