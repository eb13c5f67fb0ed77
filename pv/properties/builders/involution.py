"""Applied twice, the kernel gives back its input."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.properties.builders.predicate import further

if TYPE_CHECKING:
    from pv.properties.trial import Outcome, Trial

__all__ = ["check", "further"]


def check(trial: Trial) -> Outcome:
    """Hold y(y(x)) against x.

    Raises:
        Failed: they are further apart than `tolerance`.
    """
    (entry,) = trial.property.inputs()
    once = trial.run()
    twice = trial.run(**{entry.name: once})
    what = f"y(y) against {entry.name}"
    return trial.close(
        twice, trial.values[entry.name], trial.with_y(once), what, trial.property.expressions.get("tolerance")
    )
