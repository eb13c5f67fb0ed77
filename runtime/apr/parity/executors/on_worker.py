"""What a worker of a dask scheduler is asked to call; it comes by name, so the worker runs its own copy."""

from __future__ import annotations

import distributed

from apr.parity.work.job import software_as_text
from apr.parity.work.remote import measure_job
from apr.parity.work.software import software

EVENTS = "apr-parity"  # topic under which workers tell that they begin a unit


def software_text() -> str:
    """What this worker computes with, as JSON."""
    return software_as_text(software())


def measure_here(job: str, run: str) -> str:
    """Measures a unit in this worker.

    Args:
        job: text of an `apr.parity.work.job.Job`.
        run: which run it belongs to.

    Returns:
        The text of an `apr.parity.work.job.Answer`.

    Raises:
        OSError: something cannot be read, now.
    """
    worker = distributed.get_worker()
    worker.log_event(EVENTS, {"run": run, "key": worker.get_current_task(), "worker": worker.address})
    return measure_job(job, worker.address)
