"""Each slice gives what it gives within the whole: rows, heads or blocks know nothing of each other."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.property import Property
    from pv.properties.choices import Choices
    from pv.properties.trial import Outcome, Trial


def further(choices: Choices, prop: Property, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """`slice_of`: which slice is looked at."""
    return {"slice_of": choices.integer(0, max(0, int(values[str(prop.keys["along"])]) - 1))}


def check(trial: Trial) -> Outcome:
    """Hold the slice of the whole result against the result of the slice.

    Raises:
        Failed: they differ by more than `tolerance`.
    """
    prop, size = trial.property, str(trial.property.keys["along"])
    # a counterexample that is made simpler may have fewer slices than the one that this number was drawn for
    at = min(trial.values["slice_of"], max(0, int(trial.values[size]) - 1))
    whole = trial.run()
    parts: dict[str, Any] = {size: 1}
    for one in prop.domain.inputs.values():
        axes = [i for i, axis in enumerate(one.shape or ()) if isinstance(axis.tree, ast.Name) and axis.tree.id == size]
        for axis in axes:
            parts[one.name] = np.take(trial.values[one.name], [at], axis)
    alone = trial.run(**parts)
    results = zip(*((one if isinstance(one, tuple) else (one,)) for one in (whole, alone)), strict=True)
    pairs = [(_slice(np.asarray(a), np.asarray(b), at), b) for a, b in results]
    left, right = (tuple(side) if isinstance(whole, tuple) else side[0] for side in zip(*pairs, strict=True))
    scope = trial.with_y(left, f=right)
    return trial.close(
        left, right, scope, f"slice {at} of y against y of slice {at}", prop.expressions.get("tolerance")
    )


def _slice(whole: Any, alone: Any, at: int) -> Any:
    """The slice along the axis that is shorter in the result of one slice; all of it where none is, as of a single slice."""
    axis = next((i for i, (a, b) in enumerate(zip(whole.shape, alone.shape, strict=False)) if a != b), None)
    return whole if axis is None else np.take(whole, [at], axis)
