"""The same input gives the same bits: again, after another call, and from memory that is laid out otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pv.properties.builders.predicate import further

if TYPE_CHECKING:
    from pv.properties.arrays import Array
    from pv.properties.trial import Outcome, Trial

__all__ = ["check", "further"]


def check(trial: Trial) -> Outcome:
    """Hold four calls against one another.

    Raises:
        Failed: one gives other bits.
    """
    once = _kept(trial.run())
    scope = trial.with_y(once)
    trial.close(trial.run(), once, scope, "y again against y")
    arrays = {name: value for name, value in trial.values.items() if isinstance(value, np.ndarray) and value.ndim}
    trial.run(
        **{
            name: np.flip(value)
            for name, value in arrays.items()
            if name in trial.property.domain.inputs and value.dtype.kind == "f"
        }
    )
    trial.close(trial.run(), once, scope, "y after another call against y")
    scattered = {name: _scattered(value) for name, value in arrays.items()}
    return trial.close(trial.run(**scattered), once, scope, "y from scattered memory against y")


def _kept(value: Any) -> Any:
    """A copy that no later call can write into."""
    return tuple(map(_kept, value)) if isinstance(value, tuple) else np.array(value)


def _scattered(array: Array) -> Array:
    """The same values, every second element of memory, from an odd place on."""
    room = np.zeros((*array.shape[:-1], 2 * array.shape[-1] + 1), array.dtype)
    view = room[..., 1::2]
    view[...] = array
    return view
