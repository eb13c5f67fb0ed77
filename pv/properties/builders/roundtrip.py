"""Another kernel leads back from the result to the input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.properties.builders.predicate import further

if TYPE_CHECKING:
    from pv.properties.trial import Outcome, Trial

__all__ = ["check", "further"]


def check(trial: Trial) -> Outcome:
    """Hold what `through` gives against the input.

    Raises:
        Failed: they are further apart than `tolerance`.
    """
    prop = trial.property
    (entry,) = prop.inputs()
    scope = trial.with_y(trial.run())
    back = scope.evaluate(prop.expressions["through"])
    what = f"{prop.expressions['through'].text} against {entry.name}"
    return trial.close(back, trial.values[entry.name], scope, what, prop.expressions.get("tolerance"))
