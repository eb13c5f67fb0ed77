"""How far a comparison is, told stage by stage."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.stages import StageKey
    from pv import Evidence


def by_stage(evidence: Evidence, model: str, total: int | None) -> Callable[[StageKey], None]:
    """What a comparison calls once a stage, of `total`; the terminal then names the model, the layer and the stage."""
    numbers = itertools.count(1)

    def advance(key: StageKey) -> None:
        place = key.stage if key.layer is None else f"layer {key.layer}, {key.stage}"
        evidence.progress(next(numbers), total, f"{model}, {place}")

    return advance
