"""Of three values it does not matter which two are joined first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pv.properties.draw import like

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.domain import Input
    from pv.formal.property import Property
    from pv.properties.choices import Choices
    from pv.properties.trial import Outcome, Trial


def further(choices: Choices, prop: Property, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """`c`, drawn like the second array."""
    return {"c": like(choices, _two(prop)[1], values)}


def check(trial: Trial) -> Outcome:
    """Hold y(y(a, b), c) against y(a, y(b, c)).

    Raises:
        Failed: they are further apart than `tolerance`.
    """
    left, right = (one.name for one in _two(trial.property))
    a, b, c = trial.values[left], trial.values[right], trial.values["c"]
    first = trial.run(**{left: trial.run(), right: c})
    last = trial.run(**{left: a, right: trial.run(**{left: b, right: c})})
    what = "y(y(a, b), c) against y(a, y(b, c))"
    return trial.close(first, last, trial.with_y(first), what, trial.property.expressions.get("tolerance"))


def _two(prop: Property) -> list[Input]:
    """The first two arrays of the domain."""
    return [one for one in prop.domain.inputs.values() if one.shape is not None][:2]
