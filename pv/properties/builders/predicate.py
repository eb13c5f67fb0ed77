"""An expression that is true everywhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.formal.property import Property
    from pv.properties.choices import Choices
    from pv.properties.trial import Outcome, Trial


def further(_choices: Choices, _prop: Property, _values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Nothing."""
    return {}


def check(trial: Trial) -> Outcome:
    """Compute `formal` with what the kernel gave as `y`.

    Raises:
        Failed: it is false somewhere.
    """
    return trial.hold(trial.property.expressions["formal"], trial.with_y(trial.run()))
