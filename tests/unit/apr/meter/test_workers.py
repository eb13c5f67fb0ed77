"""Work in several processes: in whose hands it is must not show, and nobody is left waiting."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from apr.meter.workers import WorkerDied, each

if TYPE_CHECKING:
    from pathlib import Path


def square(number: int) -> int:
    return number * number


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 40])
def test_every_item_once(jobs: int, count: int) -> None:
    found = list(each(square, range(count), jobs, piece=4))
    assert sorted(found) == [(number, number * number) for number in range(count)]
    assert not multiprocessing.active_children()


def test_several_processes_do_it() -> None:
    def who(_: int) -> int:
        time.sleep(0.02)
        return os.getpid()

    pids = {pid for _, pid in each(who, range(12), 3, piece=1)}
    assert len(pids) == 3
    assert os.getpid() not in pids


def test_a_worker_that_dies_is_noticed() -> None:
    def die(number: int) -> int:
        if number == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return number

    with pytest.raises(WorkerDied, match="exit code -9"):
        list(each(die, range(40), 2, piece=2))
    assert not multiprocessing.active_children()


def test_what_a_worker_raises_is_told() -> None:
    def fail(number: int) -> int:
        raise ZeroDivisionError(f"at {number}")

    with pytest.raises(WorkerDied, match="ZeroDivisionError: at "):
        list(each(fail, range(40), 2))


def test_workers_end_with_the_one_who_asked(tmp_path: Path) -> None:
    def slow(number: int) -> int:
        (tmp_path / str(os.getpid())).touch()
        time.sleep(60 if number else 0)
        return number

    found = each(slow, range(4), 2, piece=1)
    assert next(found) == (0, 0)
    found.close()  # type: ignore[attr-defined]  # a generator, as after an interrupt
    assert not multiprocessing.active_children()
    for path in tmp_path.iterdir():
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.name), 0)
