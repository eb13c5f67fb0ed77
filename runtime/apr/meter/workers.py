"""Work on a list done by several processes: the answers come in the list's order, whoever made them.

A process that dies is noticed at once, and none outlives the one that asked, however that one leaves.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import traceback
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from multiprocessing.context import ForkProcess

T = TypeVar("T")
R = TypeVar("R")
_INTERRUPTS = frozenset({signal.SIGINT, signal.SIGTERM})


class WorkerDied(RuntimeError):
    """A process of ours did not do its work: a bug here, or the system was out of memory."""


class _Raised(NamedTuple):
    """What a worker raised; as text, since not every exception can travel."""

    told: str


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(work: Callable[[T], R], items: Sequence[T], jobs: int, piece: int = 8) -> Iterator[tuple[int, R]]:
    """Does the same to every item.

    Args:
        work: what to do; what it returns travels from process to process, what it raises ends everything.
        items: to what.
        jobs: how many processes; with one, all is done in this process.
        piece: how many items a process is given at a time.

    Yields:
        The item's position and its answer, in the order in which they come in.

    Raises:
        WorkerDied: a process ended before its work was done, or `work` raised something in it.
    """
    if jobs <= 1 or len(items) <= piece or "fork" not in multiprocessing.get_all_start_methods():
        yield from ((at, work(item)) for at, item in enumerate(items))
        return
    context = multiprocessing.get_context("fork")  # the items need not travel, and nothing is imported again
    pieces = iter(range(0, len(items), piece))
    workers: dict[Connection, ForkProcess] = {}
    try:
        for _ in range(min(jobs, -(-len(items) // piece))):
            here, there = context.Pipe()
            process = context.Process(target=_serve, args=(work, items, piece, there, [here, *workers]), daemon=True)
            # an interrupt between the start and the note of it would leave a process that nobody knows
            before = signal.pthread_sigmask(signal.SIG_BLOCK, _INTERRUPTS)
            try:
                process.start()
                workers[here] = process
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            there.close()
        for here, process in workers.items():
            with _alive(process):
                here.send(next(pieces, None))
        waiting = dict.fromkeys(workers)
        while waiting:
            ready = wait(list(waiting))
            for here in [one for one in waiting if one in ready]:
                with _alive(workers[here]):
                    start, answers = here.recv()
                    following = next(pieces, None)
                    here.send(following)
                if isinstance(answers, _Raised):
                    raise WorkerDied(f"in a worker process: {answers.told}")
                if following is None:
                    del waiting[here]
                yield from enumerate(answers, start)
    finally:
        for here, process in workers.items():
            here.close()
            process.kill()  # those that are done have nothing to lose
            process.join()


@contextlib.contextmanager
def _alive(process: ForkProcess) -> Iterator[None]:
    """Talk to a worker; that it is gone shows in whatever way its pipe broke."""
    try:
        yield
    except (EOFError, OSError):
        process.join()
        raise WorkerDied(f"a worker process ended with exit code {process.exitcode}") from None


def _serve(work: Callable[[T], R], items: Sequence[T], piece: int, there: Connection, others: list[Connection]) -> None:
    """What a worker does: pieces as they are asked for, until it is told to stop or nobody is there any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who asked decides; it kills its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _INTERRUPTS)
    for other in others:
        other.close()
    try:
        while (start := there.recv()) is not None:
            try:
                answers: object = [work(item) for item in items[start : start + piece]]
            except Exception:  # noqa: BLE001 - told to the one who asked, who raises it
                answers = _Raised(traceback.format_exc())
            there.send((start, answers))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
