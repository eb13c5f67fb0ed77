"""What could have gone wrong at a stage, for whoever knows the stage: errors that are undone by computing it in another way."""

from __future__ import annotations

import copy
import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.ops.activation import gelu_tanh
from apr.parity.kinds import Hypothesis
from apr.parity.ladder import half_cache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.formats.model_file import RopeKind
    from apr.models import Model
    from apr.stages import StageKey

    Stages = Mapping[StageKey, Array]

_NORMS = ("attn_norm", "ffn_norm", "final_norm", "q_norm", "k_norm")
_THETAS = (1e4, 1e5, 5e5, 1e6, 1e7)
# epsilons in use; others are fitted
_EPSILONS = (1e-5, 1e-6, 1e-8, 1e-12, 0.0)


@dataclasses.dataclass(frozen=True)
class _Stage:
    """One stage that can be computed again, otherwise."""

    model: Model
    key: StageKey
    tokens: NDArray[np.intp]
    positions: NDArray[np.intp]
    given: Stages
    rows: slice

    def again(self, **changed: Any) -> Callable[[], Array]:
        """Computes it with another model, tokens, positions or inputs."""

        def would() -> Array:
            one = dataclasses.replace(self, **changed)
            out: Array = one.model.compute(one.key, one.tokens, one.positions, one.given)[one.rows]
            return out

        return would

    def config(self, **changes: Any) -> Callable[[], Array]:
        """Computes it with other hyper-parameters."""
        other = copy.copy(self.model)
        other.config = dataclasses.replace(self.model.config, **changes)
        return self.again(model=other)


def suspects(
    model: Model,
    key: StageKey,
    tokens: NDArray[np.intp],
    positions: NDArray[np.intp],
    given: Stages,
    rows: slice,
    seen: Array,
    expected: Array,
) -> Iterator[Hypothesis]:
    """Hypotheses about one stage, each computed only when it is asked for.

    Args:
        model: the judge's.
        key: which stage.
        tokens: [T] that were run.
        positions: [T].
        given: the stages that its inputs come from.
        rows: which rows of them are looked at.
        seen: [rows, width] what the accused side has.
        expected: [rows, width] what it should have.
    """
    at = _Stage(model, key, tokens, positions, given, rows)
    if key.stage in _NORMS:
        yield from _epsilons(at, seen, expected)
    elif key.stage in ("q_post_rope", "k_post_rope"):
        yield from _rotations(at)
    elif key.stage == "attention":
        yield from _attentions(at)
    elif key.stage in ("ffn_silu", "ffn_swigl"):
        yield from _activations(at)
    elif key.stage == "embedding":
        for step in (1, -1):
            other = np.clip(tokens + step, 0, model.config.vocabulary - 1)
            yield Hypothesis("token", f"the token id is {step:+d} off", at.again(tokens=other))
    elif key.stage in ("ffn_gate", "ffn_up"):
        other_stage = "ffn_up" if key.stage == "ffn_gate" else "ffn_gate"
        yield Hypothesis(
            "wrong weights", f"the weights of {other_stage} were used", at.again(key=key._replace(stage=other_stage))
        )


def _epsilons(at: _Stage, seen: Array, expected: Array) -> Iterator[Hypothesis]:
    own = at.model.config.epsilon
    if at.key.stage not in ("q_norm", "k_norm"):
        (source,) = at.model.sources(at.key)
        yield Hypothesis("missing term", "not normed at all", lambda: np.asarray(at.given[source][at.rows]))
    for epsilon in _EPSILONS:
        if epsilon != own:
            yield Hypothesis("epsilon", f"epsilon {epsilon:g} instead of {own:g}", at.config(epsilon=epsilon))
    fitted = _fitted_epsilon(at, seen, expected)
    if fitted is not None:
        yield Hypothesis("epsilon", f"epsilon {fitted:.3g} instead of {own:g}", at.config(epsilon=fitted))


def _fitted_epsilon(at: _Stage, seen: Array, expected: Array) -> float | None:
    """Least squares over the rows: seen / expected = sqrt((m + own) / (m + epsilon)), m the mean square of what is normed."""
    if at.key.stage in ("q_norm", "k_norm"):
        return None  # one mean square a head: the rows' ratios do not tell
    (source,) = at.model.sources(at.key)
    wide = np.asarray(at.given[source][at.rows], np.float64)
    mean = (wide * wide).mean(axis=-1)
    s, y = np.asarray(seen, np.float64), np.asarray(expected, np.float64)
    power = (y * y).sum(axis=-1)
    usable = (power > 0) & np.isfinite(s).all(axis=-1)
    if not usable.any():
        return None
    ratio = (s[usable] * y[usable]).sum(axis=-1) / power[usable]
    own = at.model.config.epsilon
    if not (ratio > 0).all():
        return None
    # rows with a small mean square tell most; weights are the inverse variances, which go with the mean square squared
    each, weights = (mean[usable] + own) / ratio**2 - mean[usable], 1 / (mean[usable] + own) ** 2
    epsilon = float((each * weights).sum() / weights.sum())
    return epsilon if epsilon > 0 and np.isfinite(epsilon) else None


def _rotations(at: _Stage) -> Iterator[Hypothesis]:
    rope = at.model.config.rope
    other: RopeKind = "neox" if rope.kind == "norm" else "norm"
    words = {"norm": "neighbours", "neox": "halves"}
    yield Hypothesis(
        "rotation",
        f"pairs are {words[other]} instead of {words[rope.kind]}",
        at.config(rope=dataclasses.replace(rope, kind=other)),
    )
    yield Hypothesis("rotation", "not rotated at all", at.again(positions=np.zeros_like(at.positions)))
    for step in (1, -1):
        yield Hypothesis("rotation", f"positions are {step:+d} off", at.again(positions=at.positions + step))
    for theta in _THETAS:
        if theta != rope.theta:
            yield Hypothesis(
                "rotation",
                f"theta {theta:g} instead of {rope.theta:g}",
                at.config(rope=dataclasses.replace(rope, theta=theta)),
            )


def _attentions(at: _Stage) -> Iterator[Hypothesis]:
    head_dim = at.model.config.head_dim
    for name, factor in (("not scaled", head_dim**0.5), ("scaled by 1 / head_dim", head_dim**-0.5)):
        yield Hypothesis("scale", name, at.again(given=_scaled_queries(at, factor)))
    yield Hypothesis("mask", "every position sees all others", _masked(at, None))
    for shift, words in ((1, "one position ahead is seen"), (-1, "the position itself is not seen")):
        yield Hypothesis("mask", words, _masked(at, shift))
    cached = half_cache(at.model, at.key, at.given)
    yield Hypothesis("rounding", "keys and values were rounded to float16", at.again(given=cached))
    group = at.model.config.n_heads // at.model.config.n_kv_heads
    if group > 1:
        yield Hypothesis("permutation", "key and value heads are tiled instead of repeated", _tiled(at))


def _scaled_queries(at: _Stage, factor: float) -> dict[StageKey, Array]:
    q = at.model.source("q_post_rope", at.key.layer)
    return {**at.given, q: np.asarray(at.given[q], np.float64) * factor}


def _masked(at: _Stage, shift: int | None) -> Callable[[], Array]:
    """Attention with another mask: everything visible, or so many positions further."""

    def would() -> Array:
        q, k, v = _heads(at)
        where = at.positions[:, None] + (shift or 0) >= at.positions[None, :]
        mask = np.ones_like(where) if shift is None else where
        return _attend(at, q, k, v, mask)

    return would


def _tiled(at: _Stage) -> Callable[[], Array]:
    """Attention whose query head h reads key head h mod kv_heads."""

    def would() -> Array:
        q, k, v = _heads(at, tile=True)
        return _attend(at, q, k, v, at.positions[:, None] >= at.positions[None, :])

    return would


def _heads(at: _Stage, *, tile: bool = False) -> tuple[Array, Array, Array]:
    """Queries, and keys and values for each query head: [T, heads, head_dim]."""
    config, layer = at.model.config, at.key.layer
    dtype = at.model.arithmetic.dtype
    q, k, qkv = (
        np.asarray(at.given[at.model.source(name, layer)], dtype) for name in ("q_post_rope", "k_post_rope", "qkv")
    )
    q, k, v = (x.reshape(len(x), -1, config.head_dim) for x in (q, k, at.model.values(qkv)))
    group = config.n_heads // config.n_kv_heads
    spread = (lambda x: np.tile(x, (1, group, 1))) if tile else (lambda x: np.repeat(x, group, axis=1))
    return q, spread(k), spread(v)


def _attend(at: _Stage, q: Array, k: Array, v: Array, mask: NDArray[np.bool_]) -> Array:
    with np.errstate(all="ignore"):  # a row that sees nothing has no softmax
        out: Array = at.model.arithmetic.attend(q, k, v, mask, at.model.config.head_dim**-0.5)
    return out[at.rows]


def _activations(at: _Stage) -> Iterator[Hypothesis]:
    silu = at.key._replace(stage="ffn_silu")
    gate = np.asarray(at.given[at.key._replace(stage="ffn_gate")], np.float64)
    others: dict[str, Callable[[Array], Array]] = {
        "GELU": gelu_tanh,
        "ReLU": lambda x: np.maximum(x, 0),
        "no activation": lambda x: x,
    }
    for name, function in others.items():

        def would(function: Callable[[Array], Array] = function) -> Array:
            made = function(gate)
            if at.key.stage == "ffn_silu":
                return made[at.rows]
            return at.again(given={**at.given, silu: made})()

        yield Hypothesis("activation", f"{name} instead of SiLU", would)
