"""Applied to its own result, the kernel gives it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pv.properties.builders.predicate import further

if TYPE_CHECKING:
    from pv.properties.trial import Outcome, Trial

__all__ = ["check", "further"]


def check(trial: Trial) -> Outcome:
    """Hold y(y(x)) against y(x).

    Raises:
        Failed: they are further apart than `tolerance`.
    """
    (entry,) = trial.property.inputs()
    once = trial.run()
    twice = trial.run(**{entry.name: once})
    return trial.close(twice, once, trial.with_y(once), "y(y) against y", trial.property.expressions.get("tolerance"))
