"""A weighted sum goes in, the weighted sum of the results comes out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.properties.arrays import wide
from pv.properties.draw import like

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.property import Property
    from pv.properties.choices import Choices
    from pv.properties.trial import Outcome, Trial

_LARGEST = 4  # of the factors


def further(choices: Choices, prop: Property, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """`z`, drawn like the input, and whole factors `a` and `b`."""
    (entry,) = prop.inputs()
    return {"z": like(choices, entry, values), "a": _factor(choices), "b": _factor(choices)}


def _factor(choices: Choices) -> int:
    return choices.integer(-_LARGEST, _LARGEST)


def check(trial: Trial) -> Outcome:
    """Hold y(a x + b z) against a y(x) + b y(z).

    Raises:
        Failed: they are further apart than `tolerance`.
    """
    (entry,) = trial.property.inputs()
    a, b, x, z = trial.values["a"], trial.values["b"], trial.values[entry.name], trial.values["z"]
    joined = trial.run(**{entry.name: a * wide(x) + b * wide(z)})
    apart = a * wide(trial.run()) + b * wide(trial.run(**{entry.name: z}))
    scope = trial.with_y(joined, f=apart)
    what = f"y(a {entry.name} + b z) against a y({entry.name}) + b y(z)"
    return trial.close(joined, apart, scope, what, trial.property.expressions.get("tolerance"))
