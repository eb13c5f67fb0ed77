"""Which arithmetic an engine computes in, found from its stages alone.

Each of a sample of stages is computed in each arithmetic from the engine's own inputs, so that nothing from before plays a part. What
counts is the median over the stages, so that a fault in one of them does not decide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from apr.errors import UnsupportedModel
from apr.ops.arithmetic import ARITHMETICS
from apr.parity.inputs import why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from apr.capture import Array, Capture
    from apr.models import Model
    from apr.stages import StageKey

# the stages in which arithmetics differ
_TELLING = (
    "qkv_matmul",
    "q_post_rope",
    "k_post_rope",
    "attention",
    "attn_out",
    "ffn_gate",
    "ffn_up",
    "ffn_out",
    "moe_ffn_out",
)
_UNIT = 2.0**-24
_EXACT = "exact"
_WIDEST = ("f32", "ggml")
# float64 results that were rounded to float32 once are 2^-26 away or more (RMS of a uniform rounding error is u / sqrt(3))
_DOUBLE = 2.0**-30
# two arithmetics are told apart by stages where one is so many times nearer than the other
_APART = 3.0


@dataclass(frozen=True)
class Fit:
    """Which arithmetic fits.

    Attributes:
        arithmetic: of `apr.ops.arithmetic.ARITHMETICS`; None where none fits.
        distances: median relative RMS over the stages, by arithmetic.
        identical: whether every bit of most stages is the same.
        clear: how many times farther the next arithmetic is; 1 where they cannot be told apart on this model, infinite where the
            best is identical.
        stages: how many stages decided.
        reason: one sentence where nothing fits, or where it is not clear; else "".
    """

    arithmetic: str | None
    distances: dict[str, float] = field(default_factory=dict)
    identical: bool = False
    clear: float = 1.0
    stages: int = 0
    reason: str = ""

    def __str__(self) -> str:
        others = "; ".join(f"{name} {value:.2g}" for name, value in self.distances.items() if name != self.arithmetic)
        if self.arithmetic is None:
            return f"fits no arithmetic: {self.reason}"
        own = "bit-identical" if self.identical else f"median {self.distances[self.arithmetic]:.2g}"
        unclear = f"; {self.reason}" if self.reason else ""
        return f"fits {self.arithmetic} ({own}{f'; {others}' if others else ''}){unclear}"


def telling(model: Model, layers: Iterable[int] | None = None) -> list[StageKey]:
    """The stages that tell arithmetics apart, of these layers; by default of the first, the middle and the last."""
    chosen = {0, model.config.n_layers // 2, model.config.n_layers - 1} if layers is None else set(layers)
    return [key for key in model.stage_keys() if key.layer in chosen and key.stage in _TELLING]


def fit_arithmetic(
    models: Callable[[str], Model],
    capture: Capture,
    *,
    layers: Iterable[int] | None = None,
    positions: int = 16,
    declared: str | None = None,
) -> Fit:
    """Finds the arithmetic whose stages are nearest to an engine's.

    Args:
        models: the model in an arithmetic, by its name.
        capture: of the engine.
        layers: to look at; by default the first, the middle and the last.
        positions: of the prompt's beginning that are looked at; nothing that comes later changes them.
        declared: what the engine says of itself; believed where arithmetics cannot be told apart.
    """
    base = models("f64")
    keys = [key for key in telling(base, layers) if _there(base, key, capture)]
    if not keys:
        return Fit(None, reason="no stage whose inputs were captured too tells arithmetics apart")
    table = {
        name: row for name in ARITHMETICS if (row := _distances(models, name, capture, keys, positions)) is not None
    }
    medians = {name: _median(row) for name, row in table.items()}
    bound = _bound(base)
    # float64 is nearer to every float32 engine than float32 in another order is: both roundings count there
    if medians["f64"] > _DOUBLE:
        table["f32"] = [min(pair) for pair in zip(table["f32"], table.pop("f64"), strict=True)]
        medians = {name: _median(row) for name, row in table.items()}
    if medians.get(_EXACT):  # an arithmetic that gives every bit is not the engine's where it does not
        del table[_EXACT], medians[_EXACT]
    nearest = min(medians, key=lambda name: medians[name])
    if not medians[nearest] <= bound:
        return Fit(None, medians, stages=len(keys), reason=(
            f"the nearest, {nearest}, is {medians[nearest]:.2g} away; rounding in float32 explains {bound:.2g}"))  # fmt: skip
    return _decided(table, medians, nearest, declared, bound)


def _decided(
    table: dict[str, list[float]], medians: dict[str, float], nearest: str, declared: str | None, bound: float
) -> Fit:
    """The nearest by the stages that tell it from the others."""
    stages = len(table[nearest])
    apart = [i for i in range(stages) if _tells([row[i] for row in table.values()])]
    if apart:
        inside = {name: _median([row[i] for i in apart]) for name, row in table.items()}
        nearest = min(inside, key=lambda name: inside[name])
        medians = inside
    identical = medians[nearest] == 0
    others = [value for name, value in medians.items() if name != nearest]
    clear = 1.0 if not others else math.inf if identical and min(others) > 0 else (
        1.0 if min(others) == 0 else min(others) / medians[nearest])  # fmt: skip
    reason = ""
    if clear < _APART:
        close = [name for name in medians if medians[name] <= _APART * medians[nearest]]
        reason = f"{' and '.join(close)} cannot be told apart here"
        # the one with the widest null model, so that an honest engine is not held to another's roundings
        nearest = declared if declared in close else next(name for name in (*_WIDEST, nearest) if name in close)
    if not medians[nearest] <= bound:
        return Fit(None, medians, stages=stages, reason=f"the stages that tell arithmetics apart are {medians[nearest]:.2g} from the nearest, {nearest}")  # fmt: skip
    return Fit(nearest, medians, medians[nearest] == 0, clear, len(apart) or stages, reason)


def _there(model: Model, key: StageKey, capture: Capture) -> bool:
    seen = capture.stages.get(key)
    shape = (len(capture.provenance.tokens), model.width(key.stage))
    return seen is not None and seen.shape == shape and not why_not(model, key, capture)


def _distances(
    models: Callable[[str], Model], name: str, capture: Capture, keys: list[StageKey], positions: int
) -> list[float] | None:
    """Relative RMS of each stage; None where the arithmetic does not cover the model."""
    tokens, places = (
        np.asarray(x[:positions], np.intp) for x in (capture.provenance.tokens, capture.provenance.positions)
    )
    try:
        model = models(name)
        out = []
        for key in keys:
            given = {source: capture[source][:positions] for source in model.sources(key)}
            out.append(_relative(capture[key][:positions], model.compute(key, tokens, places, given)))
    except UnsupportedModel:
        return None
    return out


def _relative(seen: Array, expected: Array) -> float:
    """RMS of the difference over the expected RMS, both in float64; infinite where a value is not finite."""
    s, y = np.asarray(seen, np.float64), np.asarray(expected, np.float64)
    if s.shape != y.shape or not (np.isfinite(s).all() and np.isfinite(y).all()):
        return math.inf
    size = float(np.sqrt((y * y).mean()))
    off = float(np.sqrt(np.square(s - y).mean()))
    return 0.0 if off == 0 else math.inf if size == 0 else off / size


def _tells(distances: list[float]) -> bool:
    return max(distances) > _APART * min(distances)


def _median(row: list[float]) -> float:
    return float(median(row))


def _bound(model: Model) -> float:
    """gamma_n = n u for the longest sum of a layer: no order of summation in float32 is farther away (Higham 2002, 3.1).

    It is relative to the sum of magnitudes, which is more than the sum; but RMS over a stage is made of many sums that err like
    sqrt(n) u, so there is room for both.
    """
    c = model.config
    return max(c.hidden, c.q_width, c.feed_forward) * _UNIT
