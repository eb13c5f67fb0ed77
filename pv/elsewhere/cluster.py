"""Workers of dask.distributed, of which nothing is asked but to call a function with a text and to give a text back."""

from __future__ import annotations

import contextlib
import itertools
import queue
import warnings
from typing import TYPE_CHECKING, Any

from pv.elsewhere.reach import reach
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

_FETCH = 60  # seconds in which a worker that has done its task must hand its text over
_PATIENCE = 10  # seconds that the end of a session waits for workers

# What a call of dask's client raises when its scheduler is gone: a comm that is closed, None in the place of the scheduler, a
# client that was closed. These have no kind in common but the widest.
_GONE = (Exception,)


class Unreachable(Exception):
    """The scheduler cannot be reached any more."""


class Cluster:
    """The connection to one scheduler.

    Raises:
        UsageProblem: dask.distributed is not installed, or there is no scheduler at the address within `timeout` seconds.
    """

    def __init__(self, address: str, session: str, timeout: float) -> None:
        reach(address, timeout)
        from distributed import Client  # noqa: PLC0415  only who asks for a scheduler pays for it

        self.address, self._session = address, session
        self._numbers = itertools.count()
        self._futures: dict[int, Any] = {}
        self._ended: queue.SimpleQueue[int] = queue.SimpleQueue()
        try:
            with _quiet():
                connect: Any = Client  # it has types, but not everywhere
                self._client = connect(address, timeout=timeout, set_as_default=False, name="pv")
        except OSError as problem:  # it went between two questions
            raise UsageProblem(f"the scheduler at {address} is gone: {problem}") from None

    def workers(self) -> dict[str, int]:
        """The address of each worker that is there, and how many tasks it runs at a time.

        Raises:
            Unreachable: the scheduler does not say.
        """
        try:
            with _quiet():
                return dict(self._client.nthreads())
        except _GONE as problem:
            raise Unreachable(f"the scheduler at {self.address} is gone: {problem}") from None

    def submit(self, worker: str, function: Callable[[str], str], text: str) -> int:
        """Let a worker, and no other, call a function; return the number under which `next` will tell of it.

        Raises:
            Unreachable: the scheduler is gone.
        """
        number = next(self._numbers)
        try:
            with _quiet():
                future = self._client.submit(
                    function,
                    text,
                    key=f"pv-{self._session}-{number}",
                    workers=[worker],
                    allow_other_workers=False,
                    retries=0,
                    pure=False,
                )
        except _GONE as problem:
            raise Unreachable(f"the scheduler at {self.address} is gone: {problem}") from None
        self._futures[number] = future
        future.add_done_callback(lambda _: self._ended.put(number))
        return number

    def next(self, timeout: float) -> tuple[int, str | None, str] | None:
        """A call that ended within `timeout` seconds: its number, the text or None, and why there is none."""
        try:
            number = self._ended.get(timeout=timeout)
        except queue.Empty:
            return None
        future = self._futures.pop(number, None)
        if future is None:  # forgotten meanwhile
            return None
        with _quiet():
            return number, *_told(future)

    def forget(self, *numbers: int) -> None:
        """Cancel calls; of those that run already the end is not told."""
        futures = [self._futures.pop(number) for number in numbers if number in self._futures]
        if futures:
            with contextlib.suppress(*_GONE), _quiet():  # nobody is there to hear it
                self._client.cancel(futures, force=True)

    def tell(self, function: Callable[[str], Coroutine[Any, Any, str]], text: str) -> dict[str, str]:
        """Have every worker await a function at once, whatever it is doing; what each that answered has returned."""
        with contextlib.suppress(*_GONE), _quiet():  # who is gone needs not be told
            answers = self._client.run(function, text, on_error="ignore")
            return {worker: one for worker, one in answers.items() if isinstance(one, str)}
        return {}

    def close(self) -> None:
        """Cancel what is left, and let go of the scheduler."""
        self.forget(*list(self._futures))
        with contextlib.suppress(*_GONE), _quiet():  # it has gone by itself
            self._client.close(timeout=_PATIENCE)


def _told(future: Any) -> tuple[str | None, str]:
    if future.status == "finished":
        try:
            return future.result(timeout=_FETCH), ""
        except Exception as problem:  # noqa: BLE001  whatever keeps a text from coming over: the worker counts as dead
            return None, f"its answer was lost: {problem!r}"
    if future.status == "error":
        raised = future.exception(timeout=_FETCH)
        return None, f"{type(raised).__name__}: {raised}"
    return None, f"its call was {future.status}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Dask warns of versions that differ; those that matter are compared by us, and a project may make warnings errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
