"""The result does not fall where an input rises."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pv.properties.arrays import cast, wide
from pv.properties.draw import like
from pv.properties.trial import Failed, Outcome, Trial, first, number, place

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.property import Property
    from pv.properties.choices import Choices


def further(choices: Choices, prop: Property, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """`d`: how much each element rises, so that it stays within the domain."""
    (entry,) = prop.inputs()
    other = np.asarray(like(choices, entry, values))
    x = np.asarray(values[entry.name])
    # between an element and another of the domain there is nothing else; `d` of none of them is negative
    return {"d": np.maximum(wide(other) - wide(x), 0)}


def check(trial: Trial) -> Outcome:
    """Hold y of the raised input against y.

    Raises:
        Failed: it falls (rises, for `direction: decreasing`) by more than `tolerance`.
    """
    prop = trial.property
    (entry,) = prop.inputs()
    x = trial.values[entry.name]
    raised = cast(wide(x) + wide(trial.values["d"]), entry.dtype)
    low, high = trial.run(), trial.run(**{entry.name: raised})
    if prop.keys.get("direction") == "decreasing":
        low, high = high, low
    scope = trial.with_y(low)
    allowed = wide(scope.evaluate(prop.expressions["tolerance"])) if "tolerance" in prop.expressions else 0
    below, above = np.asarray(wide(low)), np.asarray(wide(high))
    held = above >= below - allowed
    if not held.all():
        at = first(~held)
        raise Failed(
            f"y{place(at)} goes from {number(np.asarray(low)[at])} to {number(np.asarray(high)[at])} when {entry.name} rises to "
            f"{raised.tolist() if raised.size <= 8 else '…'}"
        )
    return Outcome(int(held.size))
