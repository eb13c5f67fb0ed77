"""Whether a stage can be computed from what a capture holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.stages import INTEGER

if TYPE_CHECKING:
    from apr.capture import Array, Capture
    from apr.models import Model
    from apr.stages import StageKey


def why_not(model: Model, key: StageKey, capture: Capture) -> str:
    """What keeps a stage from being computed from a capture's inputs, as the end of a sentence; empty if nothing does.

    Args:
        model: whose stage.
        key: which.
        capture: of anybody, so anything may be in it.
    """
    rows = len(capture.provenance.tokens)
    for source in model.sources(key):
        there = capture.stages.get(source)
        if there is None:
            return f"its input {source} was not captured"
        expected = (rows, model.width(source.stage))
        if there.shape != expected:
            return f"its input {source} has shape {list(there.shape)} instead of {list(expected)}"
        if source.stage in INTEGER:
            count = model.config.experts.count if model.config.experts is not None else 0
            wrong = _first_that_is_no_id(there, count)
            if wrong is not None:
                return f"its input {source} names expert {wrong:g}, and there are {count}"
    return ""


def _first_that_is_no_id(ids: Array, count: int) -> float | None:
    bad = ~((ids >= 0) & (ids < count) & (ids == np.floor(ids)))  # so that NaN is bad
    return float(ids[bad][0]) if bad.any() else None
