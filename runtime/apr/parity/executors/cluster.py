"""The way to a dask scheduler and its workers: who answers, and whether they may measure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Self

import distributed

from apr.errors import AprError
from apr.parity.executors.on_worker import EVENTS, software_text
from apr.parity.executors.reach import reach
from apr.parity.work.job import parse_software
from apr.parity.work.software import difference, software

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

Result = distributed.Future[str]
_START = "start one with `dask worker {scheduler}` where `apr` is installed"


class Cluster:
    """A scheduler that answered, with workers that may measure; a context manager.

    Attributes:
        scheduler: its address, as it was given.

    Args:
        scheduler: `tcp://host:port`, or `tls://` with dask's own configuration.
        timeout: seconds to wait for the scheduler, and whenever there is no worker.

    Raises:
        UsageError: an address that is none.
        AprError: nobody answers in time, or a worker has other software.
    """

    def __init__(self, scheduler: str, timeout: float) -> None:
        self.scheduler, self._timeout = scheduler, timeout
        for name in list(logging.root.manager.loggerDict):
            if name.partition(".")[0] == "distributed":  # each has a level of its own
                logging.getLogger(name).setLevel(logging.CRITICAL + 1)  # what goes wrong is told once, by us
        self._client: Any = self._connected()  # most of distributed is not annotated
        try:
            self.await_worker()
            self._check()
        except BaseException:
            self._client.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def submit(self, function: Callable[..., str], *arguments: str, key: str, retries: int) -> Result:
        """Asks for a result; what is raised on a worker is tried again so many times."""
        submitted: Result = self._client.submit(function, *arguments, key=key, retries=retries, pure=False)
        return submitted

    def cancel(self, futures: Iterable[Result]) -> None:
        """Lets go of results that nobody waits for any more; of a scheduler that is gone there is nothing to let go of."""
        if self._client.status == "running":
            self._client.cancel(list(futures))

    def threads(self) -> int:
        """How many threads all workers have.

        Raises:
            AprError: the scheduler is gone.
        """
        return sum(self._asked(self._client.nthreads).values())

    def begun(self, run: str) -> list[tuple[str, str]]:
        """Each time that a worker began a unit of a run: the worker's address, and the unit's key."""
        events = self._asked(lambda: self._client.get_events(EVENTS))
        return [(event["worker"], event["key"]) for _, event in events if event["run"] == run]

    def await_worker(self) -> None:
        """Waits for a worker.

        Raises:
            AprError: there is none in time, or the scheduler is gone.
        """
        if self.threads():
            return
        try:
            self._client.wait_for_workers(1, timeout=self._timeout)
        except TimeoutError as error:
            raise AprError(
                f"no worker within {self._timeout:g} s",
                where=self.scheduler,
                hint=f"{_START.format(scheduler=self.scheduler)}, or wait longer with --scheduler-timeout",
            ) from error

    def _connected(self) -> Any:
        reach(self.scheduler, self._timeout)
        make: Any = distributed.Client
        try:
            return make(self.scheduler, timeout=self._timeout, set_as_default=False)
        except OSError as error:  # a TimeoutError is one
            raise AprError(
                f"no scheduler answers within {self._timeout:g} s",
                where=self.scheduler,
                hint="start one with `dask scheduler`, and give the address that it prints",
            ) from error

    def _check(self) -> None:
        """Every worker that is there now; one that comes later is held against the same when it is given a unit.

        Raises:
            AprError: one that has other software, or cannot say.
        """
        own = software()
        for worker, said in self._asked(lambda: self._client.run(software_text, on_error="return")).items():
            if not isinstance(said, str):
                raise AprError(
                    f"worker {worker} cannot run `apr`: {type(said).__name__}: {said}",
                    where=self.scheduler,
                    hint="install pv-falsify[runtime,distributed] where the worker runs",
                )
            wrong = difference(own, parse_software(said))
            if wrong:
                raise other_software(worker, wrong, self.scheduler)

    def _asked(self, question: Callable[[], Any]) -> Any:
        """What the scheduler answers.

        Raises:
            AprError: it is gone.
        """
        try:
            return question()
        except (OSError, RuntimeError) as error:
            raise gone(self.scheduler) from error


def other_software(worker: str, difference: str, scheduler: str) -> AprError:
    """The refusal for a worker that would not compute the same bits."""
    return AprError(
        f"worker {worker} may not measure: {difference}",
        where=scheduler,
        hint="have the same installation everywhere, start workers with OPENBLAS_NUM_THREADS=1, and start those anew that ran before",
    )


def gone(scheduler: str) -> AprError:
    """What is said where the scheduler does not answer any more."""
    return AprError(
        "the scheduler is gone", where=scheduler, hint="nothing was concluded: start it again, then the same command"
    )
