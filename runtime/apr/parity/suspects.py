"""What is known to go wrong at each stage of a model: the mistakes that people make when they write a runtime.

Each is computed from the stage's own inputs with exactly that mistake, and only if nothing simpler explains the difference.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.ops.activation import gelu_tanh
from apr.ops.arithmetic import ARITHMETICS
from apr.ops.attention import causal_mask
from apr.ops.softmax import softmax
from apr.parity.kinds import Hypothesis
from apr.parity.ladder import PRODUCTS, half_cache
from apr.parity.roundings import roundings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model
    from apr.stages import StageKey

_BASES = (1e4, 1e5, 5e5, 1e6, 1e7)  # of rotations, those that models have
_WIDE, _FEW = 1 << 20, 8  # a product of more elements is judged by so many rows
_SMALL = 1e-4  # relative step by which a derivative is measured


@dataclass(frozen=True, eq=False)
class _Scene:
    """A stage with its inputs; `seen` and `expected` hold `rows` of it."""

    model: Model
    key: StageKey
    seen: Array
    expected: Array
    given: Mapping[StageKey, Array]
    tokens: NDArray[np.intp]
    positions: NDArray[np.intp]
    rows: slice

    def input(self, name: str) -> Array:
        """All rows of one input, in the model's dtype."""
        source = self.model.source(name, self.key.layer)
        return np.asarray(self.given[source], self.model.arithmetic.dtype)

    def made(self, model: Model | None = None, **others: Any) -> Array:
        """[rows, width] the stage, with another model or other inputs."""
        values = {"tokens": self.tokens, "positions": self.positions, "stages": self.given, **others}
        return (model or self.model).compute(self.key, values["tokens"], values["positions"], values["stages"])[
            self.rows
        ]

    def other(self, **changes: Any) -> Model:
        """The model with other hyper-parameters."""
        faulty = copy.copy(self.model)
        faulty.config = dataclasses.replace(self.model.config, **changes)
        return faulty


def suspects(
    model: Model,
    key: StageKey,
    tokens: NDArray[np.intp],
    positions: NDArray[np.intp],
    given: Mapping[StageKey, Array],
    rows: slice,
    seen: Array,
    expected: Array,
) -> Iterator[Hypothesis]:
    """Hypotheses about one stage; what each would have given is computed only when it is asked for.

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
    scene = _Scene(model, key, seen, expected, given, tokens, positions, rows)
    if model.config.experts is not None and key.stage in ("ffn_gate", "ffn_up"):
        yield from _slices(scene)
    if key.stage in _BY_STAGE:
        yield from _BY_STAGE[key.stage](scene)
    elif key.stage.endswith("_norm"):
        yield from _norm(scene)
    if key.stage in PRODUCTS:
        few = _few(scene)
        if few is None:
            yield from _product(scene)
        else:
            yield from (one._replace(rows=few) for one in _product(_cut(scene, few)))


def _few(scene: _Scene) -> NDArray[np.intp] | None:
    """Rows of a wide product that stand for all: those that differ most, and some spread evenly; None where all are looked at."""
    count, width = scene.seen.shape
    if count * width <= _WIDE or count <= _FEW:
        return None
    with np.errstate(all="ignore"):
        d = np.square(np.asarray(scene.seen, np.float64) - scene.expected).sum(axis=1)
        size = np.square(np.asarray(scene.expected, np.float64)).sum(axis=1)
        worst = np.argsort(np.nan_to_num(d / size))[::-1][: _FEW // 2]
    return np.unique(np.concatenate([worst, np.linspace(0, count - 1, _FEW // 2).astype(np.intp)]))


def _cut(scene: _Scene, few: NDArray[np.intp]) -> _Scene:
    """The scene with these rows alone; products know nothing of the others."""
    at = np.arange(len(scene.tokens))[scene.rows][few]
    given = {source: np.asarray(scene.given[source])[at] for source in scene.model.sources(scene.key)}
    return _Scene(scene.model, scene.key, scene.seen[few], scene.expected[few], given, scene.tokens[at], scene.positions[at], slice(None))  # fmt: skip


def _embedding(scene: _Scene) -> Iterator[Hypothesis]:
    """Rows of other tokens: each row that differs is looked up in the matrix."""
    wrong = np.flatnonzero(np.any(np.asarray(scene.seen) != np.asarray(scene.expected), axis=1))
    if len(wrong) == 0:
        return
    rows = np.asarray(scene.seen, np.float32)[wrong]
    best, found = np.full(len(wrong), np.inf), np.zeros(len(wrong), np.intp)
    for part, matrix in scene.model.weights.matrix("token_embd.weight"):
        far = (matrix * matrix).sum(axis=1)[None, :] - 2 * rows @ matrix.T
        near = np.argmin(far, axis=1)
        value = np.take_along_axis(far, near[:, None], axis=1)[:, 0]
        better = value < best
        best[better], found[better] = value[better], near[better] + part.start
    tokens = scene.tokens[scene.rows].copy()
    instead = tokens[wrong].copy()
    tokens[wrong] = found
    place = scene.positions[scene.rows][wrong[0]]
    first = f"token {found[0]} stands in place of {instead[0]} at position {place}"
    detail = first if len(wrong) == 1 else f"{first}, others at {len(wrong) - 1} more positions"
    yield Hypothesis("token", detail, lambda: scene.model.compute(scene.key, tokens, tokens, {}))


def _norm(scene: _Scene) -> Iterator[Hypothesis]:
    """Another epsilon, no gains.

    A row's factor against what was expected is sqrt((m + epsilon) / (m + other)), m the row's mean square, so that each row tells the
    other epsilon; rows with the smallest m tell it best, so each counts with what the null model leaves of it: as 1 / m^2.
    """
    (source,) = scene.model.sources(scene.key)
    x, own = np.asarray(scene.given[source], np.float64)[scene.rows], scene.model.config.epsilon
    if x.shape == scene.seen.shape:
        seen, expected = np.asarray(scene.seen, np.float64), np.asarray(scene.expected, np.float64)
        size = (expected * expected).sum(axis=1)
        along = (seen * expected).sum(axis=1)
        square = (x * x).mean(axis=1)
        ok = (size > 0) & (along > 0)
        if ok.any():
            ratio = size[ok] / along[ok]
            each = (square[ok] + own) * ratio * ratio - square[ok]
            weights = 1 / np.square(square[ok] + own)
            other = float((each * weights).sum() / weights.sum())
            if other >= 0:
                yield Hypothesis(
                    "epsilon", f"epsilon is {other:.4g} in place of {own:.4g}",
                    lambda: scene.made(scene.other(epsilon=other)),
                )  # fmt: skip
    yield Hypothesis("missing term", "the norm itself is missing", lambda: _normed(scene))
    if scene.key.stage in ("q_norm", "k_norm"):
        yield Hypothesis("wrong weights", "all heads are normalised at once", lambda: _normed_at_once(scene))
        twin = "k_norm" if scene.key.stage == "q_norm" else "q_norm"
        yield Hypothesis("wrong weights", f"the gains of {twin} are used", lambda: _normed_by(scene, twin))


def _normed(scene: _Scene) -> Array:
    """[rows, width] what a norm reads."""
    config = scene.model.config
    (source,) = scene.model.sources(scene.key)
    start = {"k_norm": config.q_width}.get(scene.key.stage, 0)
    return np.asarray(scene.given[source])[scene.rows, start : start + scene.model.width(scene.key.stage)]


def _normed_at_once(scene: _Scene) -> Array:
    x = np.asarray(_normed(scene), scene.model.arithmetic.dtype)
    gains = scene.model.weights.dequantised(f"blk.{scene.key.layer}.attn_{scene.key.stage}.weight")
    out: Array = scene.model.arithmetic.rms_norm(
        x, np.tile(gains, x.shape[1] // len(gains)), scene.model.config.epsilon
    )
    return out


def _normed_by(scene: _Scene, twin: str) -> Array:
    x = np.asarray(_normed(scene), scene.model.arithmetic.dtype)
    gains = scene.model.weights.dequantised(f"blk.{scene.key.layer}.attn_{twin}.weight")
    heads = x.reshape(len(x), -1, len(gains))
    out: Array = scene.model.arithmetic.rms_norm(heads, gains, scene.model.config.epsilon)
    return out.reshape(x.shape)


def _rotation(scene: _Scene) -> Iterator[Hypothesis]:
    rope = scene.model.config.rope

    def turned(**changes: Any) -> Callable[[], Array]:
        return lambda: scene.made(scene.other(rope=dataclasses.replace(rope, **changes)))

    for by in (1, -1):
        yield Hypothesis(
            "rotation", f"the position is one too {'large' if by > 0 else 'small'}",
            partial(scene.made, positions=scene.positions + by),
        )  # fmt: skip
    yield Hypothesis("rotation", "not rotated at all", lambda: scene.made(positions=np.zeros_like(scene.positions)))
    yield Hypothesis("rotation", "rotated the other way round", lambda: scene.made(positions=-scene.positions))
    kind, told = ("neox", "halves rotate where neighbours should") if rope.kind == "norm" else (
        "norm", "neighbours rotate where halves should")  # fmt: skip
    yield Hypothesis("rotation", told, turned(kind=kind))
    for base in (*_BASES, rope.theta + 1, rope.theta - 1):
        if base != rope.theta:
            yield Hypothesis("rotation", f"theta is {base:.10g} in place of {rope.theta:.10g}", turned(theta=base))
    if rope.yarn is not None:
        yield Hypothesis("rotation", "YaRN is left out", turned(yarn=None))
    if rope.divisors is not None:
        yield Hypothesis("rotation", "frequencies are not divided by rope_freqs.weight", turned(divisors=None))
    if rope.factor != 1:
        yield Hypothesis("rotation", f"frequencies are not divided by {rope.factor:g}", turned(factor=1.0, yarn=None))
    for name in {"f64", "ggml"} - {scene.model.arithmetic.name}:
        yield Hypothesis(
            "rotation",
            f"angles are computed as arithmetic {name} does",
            partial(scene.made, _in(scene.model, name)),
        )


def _attention(scene: _Scene) -> Iterator[Hypothesis]:
    config = scene.model.config
    yield from _scale(scene)
    for shift, told in (
        (1, "a query also sees the position after its own"),
        (-1, "a query does not see its own position"),
    ):
        yield Hypothesis("mask", told, partial(_attend, scene, shift=shift))
    yield Hypothesis("mask", "queries see all positions", lambda: _attend(scene, shift=1 << 30))
    yield Hypothesis(
        "rounding", "keys and values are rounded to float16, as a cache of that precision does",
        lambda: scene.made(stages=half_cache(scene.model, scene.key, scene.given)),
    )  # fmt: skip
    if config.n_kv_heads > 1 and config.n_kv_heads != config.n_heads:
        yield Hypothesis(
            "permutation", "grouped heads are tiled in place of repeated", lambda: _attend(scene, tile=True)
        )
    yield Hypothesis("rounding", "attention weights are rounded to float16", lambda: _attend(scene, halves=True))
    yield from _swapped(scene)


def _attend(
    scene: _Scene,
    *,
    scale: float = 1.0,
    shift: int = 0,
    tile: bool = False,
    halves: bool = False,
    k_heads: Any = None,
    v_heads: Any = None,
) -> Array:
    """[rows, Q] attention with one mistake."""
    config = scene.model.config
    shape = (len(scene.positions), -1, config.head_dim)
    q = scene.input("q_post_rope").reshape(shape)
    k, v = scene.input("k_post_rope").reshape(shape), scene.model.values(scene.input("qkv")).reshape(shape)
    k, v = k if k_heads is None else k[:, k_heads], v if v_heads is None else v[:, v_heads]
    group = config.n_heads // config.n_kv_heads
    k, v = (np.tile(x, (1, group, 1)) if tile else np.repeat(x, group, axis=1) for x in (k, v))
    mask = causal_mask(scene.positions + shift, scene.positions)
    with np.errstate(all="ignore"):  # a query that sees nothing gets NaN, and the hypothesis is dropped
        attend = _attend_in_halves if halves else scene.model.arithmetic.attend
        out: Array = attend(q, k, v, mask, scale * config.head_dim**-0.5)
    return out[scene.rows]


def _attend_in_halves(q: Array, k: Array, v: Array, mask: NDArray[np.bool_], scale: float) -> Array:
    """As `apr.ops.attention.attend`, its weights rounded to float16 before they meet the values."""
    mixed = np.empty(q.shape, np.float64)
    for head in range(q.shape[1]):
        scores = np.where(mask, q[:, head].astype(np.float64) @ k[:, head].T.astype(np.float64) * scale, -np.inf)
        mixed[:, head] = softmax(scores).astype(np.float16).astype(np.float64) @ v[:, head].astype(np.float64)
    return mixed.reshape(len(q), -1)


def _scale(scene: _Scene) -> Iterator[Hypothesis]:
    """Scores times another factor: those that people forget, and whichever is near enough to 1 for a derivative to find it."""
    width = scene.model.config.head_dim
    usual = width**-0.5
    named = {
        1.0: "scores are not scaled",
        1 / width: "scores are scaled by 1 / head_dim",
        (width + 1) ** -0.5: "scores are scaled by 1 / sqrt(head_dim + 1)",
        scene.model.config.hidden**-0.5: "scores are scaled by 1 / sqrt(hidden)",
        (scene.model.config.hidden / scene.model.config.n_heads)
        ** -0.5: "scores are scaled by 1 / sqrt(hidden / heads)",
    }
    for scale, told in named.items():
        if abs(scale / usual - 1) > 1e-9:
            yield Hypothesis("scale", told, partial(_attend, scene, scale=scale / usual))
    base = np.asarray(_attend(scene), np.float64)
    slope = (np.asarray(_attend(scene, scale=1 + _SMALL), np.float64) - base) / _SMALL
    size = float((slope * slope).sum())
    change = float((slope * (np.asarray(scene.seen, np.float64) - scene.expected)).sum()) / size if size else 0.0
    if 0 < abs(change) < 0.5:
        yield Hypothesis("scale", f"scores are scaled by {1 + change:.7g} times what they should be",
                         lambda: _attend(scene, scale=1 + change))  # fmt: skip


def _swapped(scene: _Scene) -> Iterator[Hypothesis]:
    """Two heads of the keys, of the values or of both in each other's place: the two whose queries' results differ most."""
    config = scene.model.config
    if config.n_kv_heads < 2:
        return
    d = np.asarray(scene.seen, np.float64) - scene.expected
    with np.errstate(invalid="ignore"):
        heads = np.square(d).reshape(len(d), config.n_kv_heads, -1).sum(axis=(0, 2))
    a, b = sorted(np.argsort(heads)[::-1][:2].tolist())
    order = np.arange(config.n_kv_heads)
    order[[a, b]] = b, a
    swaps: tuple[tuple[str, dict[str, Any]], ...] = (
        ("key", {"k_heads": order}),
        ("value", {"v_heads": order}),
        ("key and value", {"k_heads": order, "v_heads": order}),
    )
    for told, swap in swaps:
        yield Hypothesis("permutation", f"{told} heads {a} and {b} are swapped", partial(_attend, scene, **swap))


def _silu(scene: _Scene) -> Iterator[Hypothesis]:
    x = scene.input("ffn_gate")[scene.rows]
    with np.errstate(over="ignore"):
        sigmoid = 1 / (1 + np.exp(-x.astype(np.float64)))
    for told, would in (
        ("GELU (tanh) in place of SiLU", lambda: gelu_tanh(x)),
        ("GELU (sigmoid) in place of SiLU", lambda: x / (1 + np.exp(-1.702 * x.astype(np.float64)))),
        ("ReLU in place of SiLU", lambda: np.maximum(x, 0)),
        ("sigmoid in place of SiLU", lambda: sigmoid),
        ("no activation at all", lambda: x),
    ):
        yield Hypothesis("activation", told, would)


def _gated(scene: _Scene) -> Iterator[Hypothesis]:
    silu, up = (scene.input(name)[scene.rows] for name in ("ffn_silu", "ffn_up"))
    yield Hypothesis("missing term", "the gate is missing: ffn_up alone", lambda: up)
    yield Hypothesis("missing term", "ffn_up is missing: the gate alone", lambda: silu)
    yield Hypothesis("activation", "the gate is added in place of multiplied", lambda: silu + up)


def _product(scene: _Scene) -> Iterator[Hypothesis]:
    """Other rounding of activations, other matrices."""
    model, key = scene.model, scene.key
    yield from roundings(model, _matrix(scene), scene.made)
    yield from _other_weights(scene)
    if key.layer is not None:
        for layer in (key.layer - 1, key.layer + 1):
            if 0 <= layer < model.config.n_layers:
                would = partial(_from, scene, key._replace(layer=layer))
                yield Hypothesis("wrong weights", f"the weights of layer {layer} are used", would)


def _matrix(scene: _Scene) -> str:
    """The name of the tensor, or of one of the tensors, that a product multiplies by."""
    if scene.key.stage == "lm_head":
        return "output.weight" if "output.weight" in scene.model.weights else "token_embd.weight"
    experts = "_exps" if scene.model.config.experts is not None else ""
    part = {"qkv_matmul": "attn_q", "attn_out": "attn_output", "ffn_gate": f"ffn_gate{experts}", "ffn_up": f"ffn_up{experts}",
            "ffn_out": "ffn_down", "moe_ffn_out": "ffn_down_exps", "moe_router": "ffn_gate_inp"}  # fmt: skip
    return f"blk.{scene.key.layer}.{part[scene.key.stage]}.weight"


def _router(scene: _Scene) -> Iterator[Hypothesis]:
    """Weights of experts that do not add up to 1, or are all the same."""
    x, chosen = scene.input("ffn_norm"), scene.input("moe_router_indices").astype(np.intp)
    model = scene.model

    def probabilities() -> Array:
        out: Array = model.arithmetic.softmax(model.arithmetic.linear(x, model.weights, _matrix(scene)))
        return np.take_along_axis(out, chosen, axis=-1)[scene.rows]

    yield Hypothesis("missing term", "weights of experts are not divided by their sum", probabilities)
    alike = np.full(chosen.shape, 1 / chosen.shape[1])[scene.rows]
    yield Hypothesis("wrong weights", "every chosen expert counts the same", lambda: alike)


def _indices(scene: _Scene) -> Iterator[Hypothesis]:
    """The right experts in another order."""
    seen, expected = np.asarray(scene.seen), np.asarray(scene.expected)
    same = (np.sort(seen, axis=1) == np.sort(expected, axis=1)).all(axis=1)
    wrong = int((same & (seen != expected).any(axis=1)).sum())
    told = f"the right experts stand in another order at {wrong} of {len(seen)} positions"
    yield Hypothesis("permutation", told, lambda: np.where(same[:, None], seen, expected))


def _mixed(scene: _Scene) -> Iterator[Hypothesis]:
    """Outputs of experts that meet the wrong weights, or get lost."""
    key = scene.model.source("moe_router", scene.key.layer)
    weights = np.asarray(scene.given[key])
    alone, summed = np.zeros_like(weights), np.ones_like(weights)
    alone[:, 0] = weights[:, 0]
    for told, would in (("experts get each other's weights", weights[:, ::-1]), ("only the likeliest expert counts", alone),
                        ("outputs of experts are added unweighted", summed)):  # fmt: skip
        yield Hypothesis("wrong weights", told, partial(scene.made, stages={**scene.given, key: would}))


def _slices(scene: _Scene) -> Iterator[Hypothesis]:
    """Another expert's weights."""
    experts = scene.model.config.experts
    if experts is None:
        return
    key = scene.model.source("moe_router_indices", scene.key.layer)
    chosen = np.asarray(scene.given[key])
    for by, told in ((1, "after"), (-1, "before")):
        would = {**scene.given, key: (chosen + by) % experts.count}
        yield Hypothesis(
            "wrong weights", f"weights of the expert {told} the chosen one are used", partial(scene.made, stages=would)
        )
    yield Hypothesis("wrong weights", "experts stand in each other's place, the likeliest last",
                     partial(scene.made, stages={**scene.given, key: chosen[:, ::-1]}))  # fmt: skip


def _other_weights(scene: _Scene) -> Iterator[Hypothesis]:
    twins = {"ffn_gate": "ffn_up", "ffn_up": "ffn_gate"}
    stage = scene.key.stage
    if stage in twins:
        yield Hypothesis("wrong weights", f"the weights of {twins[stage]} are used",
                         lambda: _from(scene, scene.key._replace(stage=twins[stage])))  # fmt: skip
    if stage == "lm_head" and "output.weight" in scene.model.weights:
        yield Hypothesis("wrong weights", "the embedding is used although there is a head", lambda: _tied(scene))


def _tied(scene: _Scene) -> Array:
    model = scene.model
    out: Array = model.arithmetic.linear(scene.input("final_norm"), model.weights, "token_embd.weight")
    return out[scene.rows]


def _from(scene: _Scene, key: StageKey) -> Array:
    """Another stage's operation on this stage's inputs."""
    model = scene.model
    given = dict(scene.given)
    for name in model.inputs_of(key.stage):
        if name not in ("layer", "tokens", "positions"):
            given[model.source(name, key.layer)] = scene.given[model.source(name, scene.key.layer)]
    return model.compute(key, scene.tokens, scene.positions, given)[scene.rows]


def _in(model: Model, arithmetic: str) -> Model:
    other = copy.copy(model)
    other.arithmetic = ARITHMETICS[arithmetic]
    return other


_BY_STAGE: dict[str, Callable[[_Scene], Iterator[Hypothesis]]] = {
    "embedding": _embedding,
    "q_post_rope": _rotation,
    "k_post_rope": _rotation,
    "attention": _attention,
    "ffn_silu": _silu,
    "moe_router_indices": _indices,
    "moe_router": _router,
    "moe_ffn_out": _mixed,
    "ffn_swigl": _gated,
}
