"""Every element of y lies between two bounds."""

from __future__ import annotations

import numpy as np

from pv.properties.arrays import wide
from pv.properties.builders.predicate import further
from pv.properties.substitute import shown
from pv.properties.trial import Failed, Outcome, Trial, first, place

__all__ = ["check", "further"]


def check(trial: Trial) -> Outcome:
    """Hold y against `between`; NaN lies between nothing.

    Raises:
        Failed: an element lies outside.
    """
    y = trial.run()
    scope = trial.with_y(y)
    compared = 0
    for number, one in enumerate(y if isinstance(y, tuple) else (y,)):
        array = np.asarray(one)
        name = f"y[{number}]" if isinstance(y, tuple) else "y"
        for bound, sign, fits in zip(
            trial.property.between or (), (">=", "<="), (np.greater_equal, np.less_equal), strict=True
        ):
            if bound is None:
                continue
            value = scope.evaluate(bound)
            held = np.asarray(fits(wide(array), wide(value)))
            if not held.all():
                at = first(~held)
                raise Failed(f"{name}{place(at)} = {shown(array, at)} is not {sign} {bound.text} = {shown(value, at)}")
        compared += array.size
    return Outcome(compared)
