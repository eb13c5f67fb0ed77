"""Check 17: whether the model opens as a whole and is one that runs here; catches what no other check answers for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.checks.inventory import inventory, shapes
from apr.checks.verdict import Blocked, Check, Outcome, finding_of, judged
from apr.errors import AprError
from apr.models import load
from apr.ops.arithmetic import F32

if TYPE_CHECKING:
    from apr.checks.subject import Subject


def _run(subject: Subject) -> Outcome:
    subject.config  # noqa: B018 - blocks where the metadata do not say what to run
    for number, found in ((9, inventory(subject)), (10, shapes(subject))):
        if found:
            raise Blocked(number, found)
    try:
        load(subject.file, F32)
    except AprError as error:
        return judged([finding_of(error, [subject.path, subject.file.path], lenient=True)], "refused")
    return judged([], f"{subject.config.architecture} in {subject.file.format}")


CHECKS = (Check(17, "runnable", "the model opens as a whole and can be run here", _run),)
