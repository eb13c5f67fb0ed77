"""Units measured by the workers of a dask scheduler, which runs on a laptop, under SLURM or on Kubernetes.

What travels is text: the job there, the answer back. A worker that dies costs a retry; one that must not measure says why.
"""

from __future__ import annotations

import queue
import uuid
from collections import Counter
from typing import TYPE_CHECKING, Self

import distributed

from apr.errors import BUG, AprError, UsageError
from apr.parity.executors.cluster import Cluster, Result, gone
from apr.parity.executors.on_worker import measure_here
from apr.parity.explain import look_closer
from apr.parity.result import Execution, Worker
from apr.parity.work.job import Answer, Job
from apr.parity.work.models import identity_of
from apr.parity.work.remote import BUG_HINT, PASSING
from apr.parity.work.setting import needed
from apr.parity.work.software import software
from apr.parity.work.storage import Storage
from apr.parity.work.unit import Done

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from types import TracebackType

    from apr.parity.sides import Judge
    from apr.parity.work.models import ModelIdentity
    from apr.parity.work.setting import Setting
    from apr.parity.work.unit import Unit

TIMEOUT = 60.0  # seconds without a scheduler or a worker
RETRIES = 2  # of a unit that something keeps from being read
# units that are with the scheduler for each thread of a worker: the one it measures, and one so that it need not wait for us
IN_FLIGHT = 2
_TICK = 1.0  # seconds between two looks whether there are workers


class Dask:
    """Has units measured by workers; a context manager, see `apr.parity.executors.base.Executor`.

    Args:
        scheduler: its address: `tcp://host:port`, or `tls://` with dask's own configuration.
        storage: where captured stages go; every worker has to reach it.
        timeout: seconds to wait for the scheduler, and whenever there is no worker.

    Raises:
        UsageError: an address that is none, or a storage that cannot be written.
        AprError: nobody answers in time, or a worker has other software.
    """

    def __init__(self, scheduler: str, storage: str, timeout: float = TIMEOUT) -> None:
        self._cluster = Cluster(scheduler, timeout)
        try:
            self._storage = Storage(storage)
        except BaseException:
            self._cluster.__exit__(None, None, None)
            raise
        self._run = uuid.uuid4().hex
        self._measured: Counter[str] = Counter()
        self._said: dict[str, Answer] = {}  # the last of each worker
        self._captures_read = self._weights_read = self._in_flight = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._storage.__exit__(kind, error, trace)
        finally:
            self._cluster.__exit__(kind, error, trace)

    def run(self, units: Sequence[Unit], setting: Setting) -> Iterator[Done]:
        """Has each unit measured; they come as they are done.

        Raises:
            AprError: a worker refuses a unit, a unit failed wherever it was tried, or there is no worker or scheduler any more.
            UsageError: captures cannot be written, or what is to be measured is known to this process alone.
        """
        plan, fed = setting.plan, setting.fed
        if (fed is not None and not plan.stock) or setting.look_closer not in (None, look_closer):
            raise UsageError("what was changed in this process cannot be measured elsewhere", where="--scheduler")
        subject, oracle = (_identity(judge) for judge in setting.judges)
        laid = [
            self._storage.put(capture, side, plan.prompt)
            for side, capture in (("subject", setting.ours), ("oracle", setting.theirs))
        ]

        def job(unit: Unit) -> str:
            pieces = tuple(side[key] for side in laid for key in needed(unit.key, setting) if key in side)
            arithmetic = "" if fed is None else fed.arithmetic.name
            closer = setting.look_closer is not None
            return Job(unit, plan, software(), subject, oracle, arithmetic, closer, pieces).text()

        # the largest first: one that takes long must not be the last that everybody waits for
        first = sorted(units, key=lambda unit: setting.ours[unit.key].nbytes if unit.key in setting.ours.stages else 0)
        yield from self._spread(first, job, plan.prompt)
        self._storage.drop(piece for side in laid for piece in side.values())

    def execution(self) -> Execution:
        """What was measured so far, and where."""
        units = self._measured.total()
        workers = (Worker(name, self._said[name].machine, count) for name, count in sorted(self._measured.items()))
        return Execution(
            executor="dask",
            scheduler=self._cluster.scheduler,
            storage=self._storage.url,
            workers=tuple(workers),
            units=units,
            retries=max(0, len(self._cluster.begun(self._run)) - units),
            in_flight=self._in_flight,
            captures_written=self._storage.written,
            captures_read=self._captures_read,
            weights_read=self._weights_read,
        )

    def notes(self) -> list[str]:
        """What is worth knowing of the workers that measured."""
        other = [one for one in self._said.values() if one.instruction_sets != software().instruction_sets]
        if not other:
            return []
        machines = ", ".join(sorted({one.machine for one in other}))
        count = f"{len(other)} of {len(self._said)} workers have other instruction sets than this machine ({machines})"
        return [f"{count}: their sums may differ from a local run's in the last bits"]

    def _spread(self, units: Sequence[Unit], job: Callable[[Unit], str], prompt: int) -> Iterator[Done]:
        """Submits units, the last first, as others come back, so that never more than a few are with the scheduler."""
        waiting = list(units)
        running: dict[Result, Unit] = {}
        done: queue.SimpleQueue[Result] = queue.SimpleQueue()
        try:
            while waiting or running:
                room = IN_FLIGHT * self._cluster.threads() - len(running)
                for unit in [waiting.pop() for _ in range(min(room, len(waiting)))]:
                    key = f"apr-parity-{self._run}-{prompt}-{unit.index}"
                    future = self._cluster.submit(measure_here, job(unit), self._run, key=key, retries=RETRIES)
                    running[future] = unit
                    future.add_done_callback(done.put)  # type: ignore[no-untyped-call] # distributed does not say
                self._in_flight = max(self._in_flight, len(running))
                try:
                    future = done.get(timeout=_TICK)
                except queue.Empty:
                    self._cluster.await_worker()
                    continue
                found = self._taken(future, running)
                del running[future]
                yield found
        finally:
            self._cluster.cancel(running)

    def _taken(self, future: Result, running: Mapping[Result, Unit]) -> Done:
        """What a worker found of one of the units that are running.

        Raises:
            AprError: it refuses, it failed, or the scheduler let go of the unit.
        """
        unit = running[future]
        if future.status == "error":
            error: BaseException | None = future.exception()  # type: ignore[no-untyped-call] # see above
            raise self._failed(unit, error, running)
        if future.status != "finished":
            raise gone(self._cluster.scheduler)
        answer = Answer.parse(future.result())
        if answer.findings is None:
            why = answer.refusal
            where = f"worker {answer.worker}, {unit.key}"
            if why is None:
                raise AprError("gave neither findings nor a reason", where=where)
            refusal = AprError(why.problem, where=f"{where}: {why.where}" if why.where else where, hint=why.hint)
            refusal.exit_code = BUG if why.bug else refusal.exit_code
            raise refusal
        self._said[answer.worker] = answer
        self._measured[answer.worker] += 1
        self._captures_read += answer.captures_read
        self._weights_read += answer.weights_read
        return Done(unit, answer.findings)

    def _failed(self, unit: Unit, error: BaseException | None, running: Mapping[Result, Unit]) -> AprError:
        """What is said of a unit that failed wherever it was tried."""
        scheduler = self._cluster.scheduler
        if isinstance(error, distributed.KilledWorker):
            last = error.last_worker.address
            died = f"no worker survived it: {last} was the last of {error.allowed_failures + 1} that died"
            hint = "look into the workers' logs: most likely they had too little memory"
            at = fatal(last, self._cluster.begun(self._run), running) or unit.key
            return AprError(died, where=f"{scheduler}, {at}", hint=hint)
        problem, where = f"could not be measured: {type(error).__name__}: {error}", f"{scheduler}, {unit.key}"
        if isinstance(error, PASSING):
            return AprError(problem, where=where, hint="workers have to reach the model file and --storage")
        bug = AprError(problem, where=where, hint=BUG_HINT)
        bug.exit_code = BUG
        return bug


def _identity(judge: Judge | None) -> ModelIdentity | None:
    return None if judge is None else identity_of(judge.file)


def fatal(worker: str, begun: Iterable[tuple[str, str]], running: Mapping[Result, Unit]) -> str:
    """What a worker was at when it died, as far as it could tell: dask blames also what it had not begun."""
    keys = {key for where, key in begun if where == worker}
    return " or ".join(str(unit.key) for future, unit in running.items() if future.key in keys)
