"""A unit measured where a worker stands: from the text of a job to the text of an answer."""

from __future__ import annotations

import threading
import traceback
from typing import TYPE_CHECKING

from apr.capture import Capture, Provenance
from apr.console import clipped
from apr.errors import AprError
from apr.parity.explain import look_closer
from apr.parity.work.compare import compare
from apr.parity.work.job import Answer, Job, Refusal
from apr.parity.work.models import Models
from apr.parity.work.setting import Setting
from apr.parity.work.software import difference, software
from apr.parity.work.storage import fetch

if TYPE_CHECKING:
    from apr.capture import Array
    from apr.parity.work.models import ModelIdentity, Opened
    from apr.parity.work.unit import Plan
    from apr.stages import StageKey

# what a system may be short of now and not in a moment
PASSING = (OSError, MemoryError)
BUG_HINT = "this is a bug of ours: please report it, with what the worker's log says"
_models = Models()
# a process measures one unit at a time: decoded weights are shared, and bounded for one
_one_at_a_time = threading.Lock()


def measure_job(text: str, worker: str) -> str:
    """Measures a unit in this process; what it refuses is an answer too, for it would refuse it again.

    Args:
        text: of a `Job`.
        worker: how this process is called.

    Returns:
        The text of an `Answer`.

    Raises:
        OSError, MemoryError: something cannot be read, now.
    """
    job, own = Job.parse(text), software()
    with _one_at_a_time:
        try:
            _check_software(job)
            answer = _measured(job, worker)
        except AprError as error:
            refusal = Refusal(error.problem, error.where, error.hint)
            answer = Answer(worker, own.machine, own.instruction_sets, refusal=refusal)
        except PASSING:
            raise
        except Exception as error:  # noqa: BLE001 - a bug of ours; it travels as text, for a traceback may break who carries it
            traceback.print_exc()  # into the worker's log
            refusal = Refusal(f"{type(error).__name__}: {clipped(str(error))}", None, BUG_HINT, bug=True)
            answer = Answer(worker, own.machine, own.instruction_sets, refusal=refusal)
    return answer.text()


def _check_software(job: Job) -> None:
    """Refuses to measure with anything that might give other bits.

    Raises:
        AprError: what differs.
    """
    wrong = difference(job.software, software())
    if wrong:
        raise AprError(f"may not measure: {wrong}", hint="have the same installation everywhere")


def _measured(job: Job, worker: str) -> Answer:
    own = software()
    sides = [_opened(identity) for identity in (job.subject, job.oracle)]
    files = {id(side.file): side.file for side in sides if side is not None}.values()
    before = sum(file.nbytes for file in files)
    arrays, read = fetch(job.pieces)
    subject, oracle = (None if side is None else side.judge for side in sides)
    setting = Setting(
        job.plan,
        _capture(job.plan, arrays.get("subject", {})),
        _capture(job.plan, arrays.get("oracle", {})),
        subject.model(job.fed) if subject is not None and job.fed else None,
        (subject, oracle),
        look_closer if job.closer else None,
    )
    findings = compare(job.unit, setting)
    weights = sum(file.nbytes for file in files) - before
    return Answer(
        worker, own.machine, own.instruction_sets, findings=findings, captures_read=read, weights_read=weights
    )


def _opened(identity: ModelIdentity | None) -> Opened | None:
    return None if identity is None else _models.get(identity)


def _capture(plan: Plan, stages: dict[StageKey, Array]) -> Capture:
    """What a unit needs of a capture; whose it was does not matter here."""
    return Capture(Provenance("", "", "", "", "", plan.tokens, plan.positions), stages)
