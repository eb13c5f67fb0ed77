"""Why an engine is not where float64 is: its drift taken apart into steps that add up.

The drift D is what the engine computed less float64 over dequantised weights. Between the two stand models of its arithmetic, each
a step nearer: v0 (float64), v1, … The share of step k is <v_k - v_(k-1), D> / <D, D>; what no model explains is the last rung.
Since the steps add up to D, the shares add up to 1. A step of which the engine knows nothing would only add noise that the next has to
take back, so a model stands on the ladder only if it brings v nearer to what was computed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.errors import UnsupportedModel
from apr.ops.arithmetic import ARITHMETICS
from apr.parity.result import Rung

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model
    from apr.parity.result import Kind
    from apr.stages import StageKey

# kinds of error that are in the weights, see `apr.parity.kinds`
_IN_WEIGHTS = frozenset({"weight element", "weight block", "wrong weights"})
_FLOAT32, _ACTIVATIONS, _ANGLES, _ORDER = (
    "float32 operations", "activation rounding", "rotation angles", "accumulation order",
)  # fmt: skip
CACHE = "cache precision"
# arithmetics in the order in which they come nearer to llama.cpp
_ARITHMETICS = ("f32", "ggml", "exact")
# the part of the squared distance that a step has to take away to stand on the ladder: less is chance, since a difference of
# independent roundings is as often helped as hindered by another
_NEARER = 0.05


# stages that multiply activations by a weight matrix
PRODUCTS = frozenset(
    {"qkv_matmul", "attn_out", "ffn_gate", "ffn_up", "ffn_out", "moe_ffn_out", "moe_router", "lm_head"}
)


class Step(NamedTuple):
    """A model of the arithmetic of one stage: its name as a rung, and [T, C] what it computes."""

    name: str
    value: Array


def ladder(actual: Array, steps: Sequence[tuple[str, Array]], *, kind: Kind | None = None) -> tuple[Rung, ...]:
    """Takes the drift of one stage apart.

    Args:
        actual: [T, C] what the engine computed.
        steps: models of its arithmetic by name, [T, C] each, on the same inputs; the first is float64 and gets no rung.
        kind: what kind of error the stage has, if it has one: says whether the rest is `weights` or `operation`. Without one the rest
            is rounding too: `accumulation order`.

    Returns:
        Rungs whose shares add up to 1; none where there is no drift, or where a value is not finite.

    Raises:
        ValueError: no steps, or shapes that differ.
    """
    if not steps:
        raise ValueError("a ladder starts at float64: there is no step")
    arrays = [np.asarray(value, np.float64) for _, value in steps]
    end = np.asarray(actual, np.float64)
    if any(array.shape != end.shape for array in arrays):
        raise ValueError(f"steps have shapes {[array.shape for array in arrays]}, the stage has {end.shape}")
    drift = end - arrays[0]
    whole = float((drift * drift).sum())
    if not np.isfinite(whole) or whole == 0:
        return ()
    size = float(np.sqrt((end * end).mean())) or 1.0
    at, left = arrays[0], whole
    rungs: list[Rung] = []
    for (name, _), array in zip(steps[1:], arrays[1:], strict=True):
        rest = end - array
        after = float((rest * rest).sum())
        if after > (1 - _NEARER) * left:
            continue
        rungs.append(_rung(name, array - at, drift, whole, size))
        at, left = array, after
    if left > 0:
        rungs.append(_rung(_rest(kind, [rung.name for rung in rungs]), end - at, drift, whole, size))
    return tuple(rungs)


def _rung(name: str, step: NDArray[np.float64], drift: NDArray[np.float64], whole: float, size: float) -> Rung:
    return Rung(name, float((step * drift).sum()) / whole, float(np.sqrt((step * step).mean())) / size)


def _rest(kind: Kind | None, placed: list[str]) -> str:
    if kind is not None:
        return "weights" if kind.name in _IN_WEIGHTS else "operation"
    return "operation" if _ORDER in placed else _ORDER


def variants(
    models: Callable[[str], Model],
    key: StageKey,
    tokens: NDArray[np.intp],
    positions: NDArray[np.intp],
    given: Mapping[StageKey, Array],
) -> list[Step]:
    """One stage in every arithmetic that is built, float64 first, on the same inputs.

    Args:
        models: the model in an arithmetic, by its name.
        key: which stage.
        tokens: [T].
        positions: [T].
        given: what the stage reads.

    Returns:
        What `ladder` takes. Attention comes in each arithmetic twice, with keys and values as they are and rounded to float16.
    """
    wide = models("f64")
    steps = [Step("float64", wide.compute(key, tokens, positions, given))]
    halved = half_cache(wide, key, given) if key.stage == "attention" else None
    if halved is not None:
        steps.append(Step(CACHE, wide.compute(key, tokens, positions, halved)))
    for name in _ARITHMETICS:
        if name not in ARITHMETICS:
            continue
        try:
            model = models(name)
            made = [model.compute(key, tokens, positions, each) for each in (given, halved) if each is not None]
        except UnsupportedModel:
            continue  # this arithmetic has no kernel for the stage's weights or widths: there is no such step
        steps += [Step(_rung_of(name, key.stage), value) for value in made]
    return steps


def _rung_of(arithmetic: str, stage: str) -> str:
    """What an arithmetic adds at a stage to the one before it."""
    if arithmetic == "f32":
        return _FLOAT32
    if stage.endswith("_rope"):
        return _ANGLES if arithmetic == "ggml" else _FLOAT32
    if arithmetic == "exact":
        return _ORDER
    return _ACTIVATIONS if stage in PRODUCTS else _FLOAT32


def half_cache(model: Model, key: StageKey, given: Mapping[StageKey, Array]) -> dict[StageKey, Array]:
    """The inputs of an attention whose keys and values went through a cache of float16."""
    k, qkv = model.source("k_post_rope", key.layer), model.source("qkv", key.layer)
    values = np.array(given[qkv])
    start = model.config.q_width + model.config.kv_width
    values[:, start:] = values[:, start:].astype(np.float16)
    return {**given, k: given[k].astype(np.float16).astype(given[k].dtype), qkv: values}
