"""The input is moved, and the result stays, moves along, or changes its sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pv.properties.arrays import wide

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.property import Property
    from pv.properties.arrays import Array
    from pv.properties.choices import Choices
    from pv.properties.trial import Outcome, Trial


def further(choices: Choices, prop: Property, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """`order`, a permutation; `c`, what is added, or the power of two that is multiplied by."""
    under = prop.keys["under"]
    if under == "permutation":
        length = np.shape(values[prop.inputs()[0].name])[prop.keys.get("axis", -1)]
        seed = choices.integer(0, 2**32 - 1)  # 0 for the reversal; a draw for each place would take most of the time
        order = np.random.Generator(np.random.PCG64(seed)).permutation(length) if seed else np.arange(length)[::-1]
        return {"order": order}
    if under == "shift":
        return {"c": choices.integer(-64, 64) / 8}  # a fraction of few bits: few sums round
    if under == "scaling":
        return {"c": 2.0 ** choices.integer(-8, 8)}
    return {}


def check(trial: Trial) -> Outcome:
    """Hold y of the moved input against y, moved along if `result` says so.

    Raises:
        Failed: they are further apart than `tolerance`.
    """
    prop = trial.property
    moved = {one.name: _moved(trial, trial.values[one.name]) for one in prop.inputs()}
    y, other = trial.run(), trial.run(**moved)
    result = prop.keys.get("result", "invariant")
    wanted = y
    if result != "invariant":
        parts = [
            _moved(trial, one) if result == "equivariant" else -wide(one)
            for one in (y if isinstance(y, tuple) else (y,))
        ]
        wanted = tuple(parts) if isinstance(y, tuple) else parts[0]
    scope = trial.with_y(y, f=wanted)
    what = f"y under {prop.keys['under']} against y"
    return trial.close(other, wanted, scope, what, prop.expressions.get("tolerance"))


def _moved(trial: Trial, value: Any) -> Array:
    under, axis = trial.property.keys["under"], trial.property.keys.get("axis", -1)
    array = np.asarray(value)
    if under == "permutation":
        return np.asarray(np.take(array, trial.values["order"], axis))
    if under == "reversal":
        return np.flip(array, axis)
    x: Array = np.asarray(wide(array))
    if under == "negation":
        return np.negative(x)
    c = trial.values["c"]
    return np.asarray(np.add(x, c) if under == "shift" else np.multiply(x, c))
