"""The kernel changes none of its inputs."""

from __future__ import annotations

import numpy as np

from pv.properties.builders.predicate import further
from pv.properties.functions import same
from pv.properties.substitute import shown
from pv.properties.trial import Failed, Outcome, Trial, first, place

__all__ = ["check", "further"]


def check(trial: Trial) -> Outcome:
    """Compare every array with a copy that was taken before the call.

    Raises:
        Failed: one holds something else afterwards.
    """
    arrays = {name: value for name, value in trial.values.items() if isinstance(value, np.ndarray)}
    before = {name: value.copy() for name, value in arrays.items()}
    trial.run(**{name: value for name, value in arrays.items() if value.ndim})
    compared = 0
    for name, value in arrays.items():
        equal = np.asarray(same(value, before[name]))
        if not equal.all():
            at = first(~equal)
            raise Failed(
                f"{name}{place(at)} was {shown(before[name], at)} before the call and is {shown(value, at)} after it"
            )
        compared += equal.size
    return Outcome(compared)
