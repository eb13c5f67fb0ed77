"""The null model of any stage, from the families of stages in this package."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from apr.parity.null import attention, elementwise, forms, norms, rotation, routing, sums
from apr.parity.null.base import Null
from apr.parity.null.pair import Pair, roundings
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model

    Doubles = NDArray[np.float64]
    Given = Mapping[StageKey, Array]

SUMS = ("qkv_matmul", "attn_out", "ffn_gate", "ffn_up", "ffn_out", "moe_ffn_out", "lm_head")
NORMS = ("attn_norm", "ffn_norm", "final_norm", "q_norm", "k_norm")
ROTATIONS = ("q_post_rope", "k_post_rope")
ADDITIONS = ("qkv_bias", "post_attn_residual", "post_ffn_residual")
_F64 = np.float64


def null_of(
    judge: Model,
    key: StageKey,
    tokens: NDArray[np.intp],
    positions: NDArray[np.intp],
    given: Given,
    expected: Array,
    other: str,
) -> Null:
    """By how much a stage that the judge computed and one that an honest implementation computes may differ.

    Args:
        judge: computed `expected` from `given` in its own arithmetic.
        key: which stage.
        tokens: [positions].
        positions: [positions].
        given: what the stage read.
        expected: [positions, width].
        other: arithmetic of the other implementation: `f64`, `f32`, `ggml` (each in an order of its own) or `exact`.

    Returns:
        Proxies in float64, [positions, width].

    Raises:
        UnsupportedModel: a weight type whose kernel `ggml` does not know.
        ValueError: a stage without a null model.
    """
    pair = Pair(judge.arithmetic.name, other)
    if pair.same_bits:
        return Null(np.zeros(expected.shape), None, ("every bit, the order of operations is known",))
    with np.errstate(all="ignore"):  # what is not finite makes proxies that are not, and tests that refute
        return _Stage(pair, judge, key, tokens, positions, given, np.asarray(expected, _F64)).null()


def looks_at(key: StageKey) -> tuple[StageKey, ...]:
    """The stages that a null model looks at besides those that the stage reads; it does without where they are not there."""
    return (StageKey("ffn_gate", key.layer),) if key.stage == "ffn_swigl" else ()


class _Stage:
    """One stage of one judge."""

    def __init__(
        self,
        pair: Pair,
        judge: Model,
        key: StageKey,
        tokens: NDArray[np.intp],
        positions: NDArray[np.intp],
        given: Given,
        y: Doubles,
    ) -> None:
        self.pair, self.judge, self.key, self.tokens = pair, judge, key, tokens
        self.positions, self.given, self.y = positions, given, y

    def null(self) -> Null:
        """Of whatever family the stage is."""
        stage, pair, y = self.key.stage, self.pair, self.y
        if stage == "embedding":
            return Null(np.zeros(y.shape), None, ("rows are looked up",))
        if stage in ADDITIONS:
            terms = [self._of(source) for source in self.judge.sources(self.key)]
            return _null(elementwise.variance_of_addition(pair, y, *terms), None, "one addition")
        if stage in NORMS:
            size = self.judge.config.head_dim if stage in ("q_norm", "k_norm") else y.shape[-1]
            variance = norms.variance_of_norm(pair, y, size)
            return _null(variance, norms.rank_of_norm(pair, y, size), f"a norm over {size} numbers")
        if stage in ROTATIONS:
            return self._rotation()
        if stage in SUMS:
            return self._sums()
        family: dict[str, Callable[[], Null]] = {
            "attention": self._attention,
            "ffn_silu": self._silu,
            "ffn_swigl": self._swiglu,
            "moe_router": self._router,
            "moe_router_indices": self._choice,
        }
        if stage not in family:
            raise ValueError(f"stage {stage!r} has no null model")
        return family[stage]()

    def _of(self, key: StageKey) -> Doubles:
        return np.asarray(self.given[key], _F64)

    def _computed(self, given: Given | None = None, **variants: Callable[..., Any]) -> Doubles:
        """The stage with other functions in the place of the judge's equations: its wiring with their meaning."""
        model = copy.copy(self.judge)
        model.arithmetic = replace(self.judge.arithmetic, **cast("Any", {"dtype": _F64, **variants}))
        return np.asarray(model.compute(self.key, self.tokens, self.positions, given or dict(self.given)), _F64)

    def _rotation(self) -> Null:
        rope = self.judge.config.rope
        heads = self.y.reshape(len(self.y), -1, self.judge.config.head_dim)
        variance = rotation.variance_of_rotation(self.pair, heads, self.positions, rope).reshape(self.y.shape)
        rank = rotation.rank_of_rotation(self.pair, heads, self.positions, rope)
        apart = rotation.angles_apart(self.pair, self.positions, rope) is not None
        return _null(variance, rank, "a rotation", *(["angles computed differently"] if apart else []))

    def _attention(self) -> Null:
        spread: list[attention.Spread] = []

        def attend(q: Doubles, k: Doubles, v: Doubles, mask: NDArray[np.bool_], scale: float) -> Doubles:
            spread.append(attention.spread_of_attention(self.pair, q, k, v, mask, scale))
            return spread[-1].variance

        variance = self._computed(attend=attend)
        return _null(
            variance, variance.shape[-1] / spread[-1].top, f"scores, softmax and mix of up to {len(self.y)} keys"
        )

    def _silu(self) -> Null:
        gate = self._of(self.judge.sources(self.key)[0])
        variance = elementwise.variance_of_silu(self.pair, gate, self.y)
        return _null(variance, elementwise.rank_of_silu(self.pair, self.y), "an exponential")

    def _swiglu(self) -> Null:
        (beside,) = looks_at(self.key)
        gate = self.given.get(beside)
        # without the gate, as if the whole error of the exponential came through
        x = np.full(self.y.shape, -np.inf) if gate is None else np.asarray(gate, _F64)
        variance = elementwise.variance_of_silu(self.pair, x, self.y) + roundings(self.pair.narrow, self.y**2)
        return _null(variance, elementwise.rank_of_silu(self.pair, self.y), "an exponential and a product")

    def _sums(self) -> Null:
        because: dict[str, None] = {}

        def variance_of(x: Any, weights: Any, name: str) -> Doubles:
            because.update(dict.fromkeys(sums.because(self.pair, weights, name)))
            return sums.variance_of_sums(self.pair, x, weights, name)

        def spread(x: Any, weights: Any, name: str) -> Doubles:
            top, width = sums.spread_of_rows(self.pair, x, weights, name), weights.shape(name)[0]
            return np.repeat(top[:, None] / width, width, axis=-1)

        given, weighed = dict(self.given), self.key.stage == "moe_ffn_out"
        router = StageKey("moe_router", self.key.layer)
        if weighed:  # outputs of experts are weighted, so their variances are by the squares
            given[router] = self._of(router) ** 2
        variance = self._computed(given, linear=variance_of)
        if weighed:
            variance += self._weighed(given)
        if not self.pair.activations:
            return _null(variance, None, *because)
        if weighed:
            given[router] = np.ones(given[router].shape)
        # eigenvalues of stacked parts add up at most; each is spread over its columns, so rows sum to a bound
        top = np.maximum(self._computed(given, linear=spread).sum(axis=-1), 1.0)
        null = _null(variance, np.maximum(variance.shape[-1] / top, 1.0), *because)
        return null if weighed else null._replace(along=self._along(variance))

    def _along(self, variance: Doubles) -> Doubles:
        """How gain and bias of each row vary against independent errors; what is independent counts once."""
        source = self.judge.sources(self.key)[0]
        inverse = np.where(variance > 0, 1 / variance, 0.0)
        kinds = np.stack([self.y * inverse, inverse])
        wiring = forms.Wiring()
        wired = self._computed({**self.given, source: forms.places(self.given[source])}, linear=wiring.linear)
        shared = forms.variance_of_forms(wiring, wired, self._of(source), kinds)
        alone = (kinds**2 * variance).sum(axis=-1)
        return 1 + np.where(alone > 0, shared / np.where(alone > 0, alone, 1.0), 0.0)

    def _weighed(self, squared: Given) -> Doubles:
        """Of weighting the experts' outputs and adding them; `squared` holds the squares of the weights."""
        arithmetic = self.judge.arithmetic

        def outputs(x: Any, weights: Any, name: str) -> Doubles:
            return np.asarray(arithmetic.linear(np.asarray(x, arithmetic.dtype), weights, name), _F64) ** 2

        used = self.judge.width("moe_router")
        return roundings(self.pair.narrow * (used + 1.0), self.y**2 + self._computed(squared, linear=outputs))

    def _logits(self) -> routing.Logits:
        """What the router's softmax was given, and its squared proxies."""
        seen: list[Doubles] = []
        linear, softmax, dtype = (
            self.judge.arithmetic.linear,
            self.judge.arithmetic.softmax,
            self.judge.arithmetic.dtype,
        )

        def keep(logits: Any) -> Any:
            seen.append(np.asarray(logits, _F64))
            return softmax(np.asarray(logits, dtype))

        def values(x: Any, weights: Any, name: str) -> Any:
            return linear(np.asarray(x, dtype), weights, name)

        def variance_of(x: Any, weights: Any, name: str) -> Doubles:
            return sums.variance_of_sums(self.pair, x, weights, name)

        self._computed(linear=values, softmax=keep)
        self._computed(linear=variance_of, softmax=keep)
        return routing.Logits(*seen)

    def _router(self) -> Null:
        chosen = self._of(StageKey("moe_router_indices", self.key.layer)).astype(np.intp)
        variance = routing.variance_of_weights(self.pair, self._logits(), chosen)
        return _null(variance, np.ones(len(variance)), "logits, softmax and its normalisation")

    def _choice(self) -> Null:
        ranked = routing.ranking(self.pair, self._logits())
        proxy = routing.variance_of_choice(ranked, self.y.shape[-1])
        near = int(np.isinf(proxy).sum())
        because = f"whole numbers; at {near} of {proxy.size} ranks experts tie" if near else "whole numbers"
        return Null(proxy, None, (because,), ranking=ranked)


def _null(variance: Doubles, rank: Doubles | None, *because: str) -> Null:
    return Null(np.sqrt(variance), rank, because)
