"""Who runs what next, what is run again, and what is released."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from pv.elsewhere import plan as planned
from pv.elsewhere.plan import TRIES, Dead, Plan, Task

if TYPE_CHECKING:
    import pytest


def groups(*sizes: int) -> list[tuple[int, ...]]:
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return [tuple(range(start, start + size)) for start, size in zip(starts, sizes, strict=True)]


def told(task: Task) -> dict[int, str]:
    return {place: f"outcome {place}" for place in task.places}


def taken(plan: Plan[str], worker: str, slots: int = 2) -> Task:
    task = plan.take(worker, slots)
    assert task is not None
    return task


def test_outcomes_are_released_in_order_whatever_the_order_in_which_they_come() -> None:
    plan: Plan[str] = Plan(groups(2, 2, 1), ["a"] * 5)
    first, second, third = (taken(plan, worker) for worker in "xyz")
    plan.done(third, told(third))
    plan.done(second, told(second))
    assert list(plan.release()) == []
    assert plan.told == 3
    plan.done(first, told(first))
    assert list(plan.release()) == [(place, f"outcome {place}") for place in range(5)]
    assert plan.finished


def test_a_worker_is_given_more_of_the_contract_that_it_has_fixtures_of() -> None:
    plan: Plan[str] = Plan(groups(1, 1, 1, 1), ["a", "b", "a", "b"])
    assert [taken(plan, worker).places for worker in ("x", "y", "y", "x")] == [(0,), (1,), (3,), (2,)]


def test_a_group_whose_worker_went_away_is_run_again_item_by_item() -> None:
    plan: Plan[str] = Plan(groups(2, 1), ["a"] * 3)
    plan.lost(taken(plan, "x"), "gone")
    again = [taken(plan, "y") for _ in range(2)]
    assert [(task.places, task.deaths) for task in again] == [((0,), ("gone",)), ((1,), ("gone",))]
    assert plan.again == 2


def test_of_a_process_that_died_only_the_item_that_it_ran_counts_a_death() -> None:
    plan: Plan[str] = Plan(groups(4), ["a"] * 4)
    task = taken(plan, "x")
    plan.done(task, {0: "outcome 0"}, (1, "signal 9"))
    assert list(plan.release()) == [(0, "outcome 0")]
    assert [(one.places, one.deaths) for one in (taken(plan, "y"), taken(plan, "y"))] == [
        ((1,), ("signal 9",)),
        ((2, 3), ()),
    ]


def test_a_process_that_died_of_no_item_counts_for_the_next_one_that_is_left() -> None:
    plan: Plan[str] = Plan(groups(3), ["a"] * 3)
    for number in range(TRIES):
        plan.done(taken(plan, "x"), {0: "outcome 0"} if number == 0 else {}, (None, "exit status 3"))
    assert list(plan.release()) == [(0, "outcome 0"), (1, Dead(("exit status 3",) * TRIES))]
    last = taken(plan, "x")
    plan.done(last, told(last), (None, "exit status 3"))  # it had run everything
    assert list(plan.release()) == [(2, "outcome 2")]
    assert plan.finished


def test_an_item_that_nothing_survives_is_told_with_every_death() -> None:
    plan: Plan[str] = Plan(groups(1, 1), ["a"] * 2)
    for number in range(TRIES):
        assert list(plan.release()) == []
        plan.done(taken(plan, "x"), {}, (0, f"signal {number}"))
    assert list(plan.release()) == [(0, Dead(("signal 0", "signal 1", "signal 2")))]
    assert not plan.finished
    last = taken(plan, "x")
    plan.done(last, told(last))
    assert list(plan.release()) == [(1, "outcome 1")]


def test_what_a_refused_worker_had_in_hand_costs_nothing() -> None:
    plan: Plan[str] = Plan(groups(2), ["a"] * 2)
    for _ in range(TRIES + 1):
        plan.back(taken(plan, "x"))
    assert (taken(plan, "y"), plan.again) == (Task((0, 1)), 0)


def test_what_is_held_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planned, "AHEAD", 3)
    plan: Plan[str] = Plan(groups(*[1] * 9), ["a"] * 9)
    first = taken(plan, "x", 1)
    for _ in range(2):
        task = taken(plan, "y", 1)
        plan.done(task, told(task))
    assert plan.take("y", 1) is None
    plan.lost(first, "gone")
    assert taken(plan, "y", 1).places == (0,)  # nothing can be released before it, so it is no use to wait
    assert plan.take("x", 1) is None


def test_whatever_happens_every_item_is_released_once_and_in_order() -> None:
    draw = random.Random(3)  # noqa: S311  test data
    for _ in range(100):
        sizes = [draw.randint(1, 4) for _ in range(draw.randint(1, 12))]
        plan: Plan[str] = Plan(groups(*sizes), [draw.choice("ab") for _ in range(sum(sizes))])
        workers, released = "xyz", []
        flying: list[Task] = []
        while not plan.finished:
            task = plan.take(draw.choice(workers), 3) if len(flying) < 3 else None
            if task is not None:
                flying.append(task)
            elif flying:
                task = flying.pop(draw.randrange(len(flying)))
                fate = draw.randrange(4)
                if fate == 0:
                    plan.lost(task, "gone")
                elif fate == 1:
                    plan.back(task)
                elif fate == 2:
                    cut = draw.randrange(len(task.places))
                    done = dict.fromkeys(task.places[:cut], "")
                    plan.done(task, done, (task.places[cut], "signal 11"))
                else:
                    plan.done(task, dict.fromkeys(task.places, ""))
            released += [place for place, _ in plan.release()]
        assert released == list(range(sum(sizes)))
