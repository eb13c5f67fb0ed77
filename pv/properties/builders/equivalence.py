"""The kernel gives what an expression or another implementation gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pv.properties.builders.predicate import further
from pv.properties.trial import Failed

if TYPE_CHECKING:
    from pv.properties.trial import Outcome, Trial

__all__ = ["check", "further"]


def check(trial: Trial) -> Outcome:
    """Hold y against `to`, or against what the oracle gives for the same call.

    Raises:
        Failed: they are further apart than `tolerance`.
    """
    prop, y = trial.property, trial.run()
    scope = trial.with_y(y)
    if trial.oracle is not None:
        other = trial.oracle(prop.expressions.get("to", prop.equation.kernel))
        what = f"y against {prop.keys['oracle']}"
    else:
        other, what = scope.evaluate(prop.expressions["to"]), "y against f"
    # an axis too many in front is compared as if it were not there
    if not isinstance(y, tuple) and np.ndim(y) > np.ndim(other) > 0:
        raise Failed(f"{what}: shapes {np.shape(y)} and {np.shape(other)}")
    tolerance = prop.expressions.get("tolerance")
    return trial.close(y, other, scope.with_values(f=other), what, tolerance)
