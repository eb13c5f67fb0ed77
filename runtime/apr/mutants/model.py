"""Planted faults: each is one line of meaning, put into the reference, and must be refuted by the claims that name it.

A mutant is made from a sound model by changing its hyper-parameters, the bytes of a tensor, or what happens at one stage.
`stage` and `layer` say where a comparison in isolation has to find it first. The layers chosen are those of a model with
30 of them; the functions that plant take the place as a parameter.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from apr.ops.activation import gelu_tanh

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model
    from apr.stages import StageKey


@dataclass(frozen=True)
class Mutant:
    """One planted fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found.
        plant: makes the faulty model from a sound one, which stays as it is.
    """

    name: str
    fault: str
    stage: str
    layer: int | None
    plant: Callable[[Model], Model]


class StageCall(Protocol):
    """How a faulty stage calls the sound one, with other inputs if it likes."""

    def __call__(
        self,
        *,
        tokens: NDArray[np.intp] = ...,
        positions: NDArray[np.intp] = ...,
        stages: Mapping[StageKey, Array] = ...,
    ) -> Array:
        """The sound stage's output."""


@dataclass(frozen=True)
class Call:
    """What a faulty stage has before it."""

    model: Model
    key: StageKey
    tokens: NDArray[np.intp]
    positions: NDArray[np.intp]
    stages: Mapping[StageKey, Array]
    sound: StageCall

    def input(self, name: str) -> Array:
        """One of the stage's inputs."""
        return self.stages[self.model.source(name, self.key.layer)]

    def with_input(self, name: str, value: Array) -> Array:
        """The sound stage, fed another value for one input."""
        return self.sound(stages={**self.stages, self.model.source(name, self.key.layer): value})


def config(**changes: Any) -> Callable[[Model], Model]:
    """Other hyper-parameters."""

    def plant(model: Model) -> Model:
        faulty = copy.copy(model)
        faulty.config = dataclasses.replace(model.config, **changes)
        return faulty

    return plant


def config_scaled(field: str, factor: float) -> Callable[[Model], Model]:
    """One hyper-parameter multiplied."""
    return lambda model: config(**{field: getattr(model.config, field) * factor})(model)


def rope(**changes: Any) -> Callable[[Model], Model]:
    """Another rotation."""
    return lambda model: config(rope=dataclasses.replace(model.config.rope, **changes))(model)


def weight(name: str, change: Callable[[NDArray[np.uint8]], None]) -> Callable[[Model], Model]:
    """Other bytes in one tensor."""

    def plant(model: Model) -> Model:
        raw = np.array(model.weights.raw(name))
        change(raw)
        faulty = copy.copy(model)
        faulty.weights = model.weights.with_raw(name, raw)
        return faulty

    return plant


def at(stage: str, layer: int | None, change: Callable[[Call], Array]) -> Callable[[Model], Model]:
    """Another computation at one stage of one layer; `layer` None means every layer that has the stage."""

    def plant(model: Model) -> Model:
        faulty = copy.copy(model)

        def compute(
            key: StageKey, tokens: NDArray[np.intp], positions: NDArray[np.intp], stages: Mapping[StageKey, Array]
        ) -> Array:
            def sound(
                *,
                tokens: NDArray[np.intp] = tokens,
                positions: NDArray[np.intp] = positions,
                stages: Mapping[StageKey, Array] = stages,
            ) -> Array:
                return model.compute(key, tokens, positions, stages)

            if key.stage != stage or layer not in (None, key.layer):
                return sound()
            return change(Call(model, key, tokens, positions, stages, sound))

        faulty.compute = compute  # type: ignore[method-assign] # the point of a mutant
        return faulty

    return plant


# Weight blocks of 32: the first bytes are the block's float16 scale; `bytes_a_block` as in apr.quant.blocks.


def scale_up_one_ulp(bytes_a_block: int) -> Callable[[NDArray[np.uint8]], None]:
    """The largest block scale of the tensor, one float16 ulp further from zero."""

    def change(raw: NDArray[np.uint8]) -> None:
        blocks = raw.reshape(-1, bytes_a_block)
        scales = np.ascontiguousarray(blocks[:, :2]).view("<u2")[:, 0]
        largest = int(np.argmax(np.abs(scales.view("<f2").astype(np.float32))))
        blocks[largest, :2] = (scales[largest : largest + 1] + np.uint16(1)).view(np.uint8)

    return change


def first_nibble_up_one(bytes_a_block: int, header: int) -> Callable[[NDArray[np.uint8]], None]:
    """One 4-bit code of the block with the largest scale: 15 becomes 14, everything else one more."""

    def change(raw: NDArray[np.uint8]) -> None:
        blocks = raw.reshape(-1, bytes_a_block)
        scales = np.ascontiguousarray(blocks[:, :2]).view("<f2")[:, 0].astype(np.float32)
        largest = int(np.argmax(np.abs(scales)))
        code = blocks[largest, header] & 0x0F
        blocks[largest, header] = (blocks[largest, header] & 0xF0) | (code - 1 if code == 15 else code + 1)

    return change


# Faulty computations, by the stage at which they are planted.


def _last_position_one_further(call: Call) -> Array:
    positions = call.positions.copy()
    positions[-1] += 1
    return call.sound(positions=positions)


def _first_two_k_heads_swapped(call: Call) -> Array:
    k, width = call.input("k_post_rope").copy(), call.model.config.head_dim
    k[:, :width], k[:, width : 2 * width] = k[:, width : 2 * width].copy(), k[:, :width].copy()
    return call.with_input("k_post_rope", k)


def _attention_with(call: Call, *, scale: float = 1.0, shift: int = 0, tile: bool = False, cache: Any = None) -> Array:
    """Attention with one thing wrong: the scale multiplied, the mask shifted, heads tiled, or keys and values rounded."""
    c = call.model.config
    qkv = np.asarray(call.input("qkv"), call.model.arithmetic.dtype)
    v = qkv[:, c.q_width + c.kv_width :]
    q, k, v = (
        np.asarray(x).reshape(len(qkv), -1, c.head_dim)
        for x in (call.input("q_post_rope"), call.input("k_post_rope"), v)
    )
    if cache is not None:
        k, v = k.astype(cache).astype(q.dtype), v.astype(cache).astype(q.dtype)
    group = c.n_heads // c.n_kv_heads
    k, v = ((np.tile(x, (1, group, 1)) if tile else np.repeat(x, group, axis=1)) for x in (k, v))
    mask = call.positions[:, None] + shift >= call.positions[None, :]
    out: Array = call.model.arithmetic.attend(q, k, v, mask, scale * c.head_dim**-0.5)
    return out


def _last_input_dropped(name: str) -> Callable[[Call], Array]:
    def change(call: Call) -> Array:
        x = call.input(name).copy()
        x[:, -1] = 0
        return call.with_input(name, x)

    return change


def _up_weights_for_gate(call: Call) -> Array:
    return call.model.compute(call.key._replace(stage="ffn_up"), call.tokens, call.positions, call.stages)


def _one_gain_off(channel: int, factor: float) -> Callable[[Call], Array]:
    def change(call: Call) -> Array:
        out = call.sound().copy()
        out[:, channel] *= out.dtype.type(factor)
        return out

    return change


def _next_token(call: Call) -> Array:
    tokens = call.tokens.copy()
    tokens[-1] = (tokens[-1] + 1) % call.model.config.vocabulary
    return call.sound(tokens=tokens)


def _one_ulp(call: Call) -> Array:
    out = call.sound().copy()
    out[-1, -1] = np.nextafter(out[-1, -1], out.dtype.type(np.inf))
    return out


def _all_but_the_first_row(factor: float) -> Callable[[Call], Array]:
    def change(call: Call) -> Array:
        out = call.sound().copy()
        out[1:] *= out.dtype.type(factor)
        return out

    return change


_ALL = [
    Mutant("rope-theta-100001", "RoPE theta one too large", "q_post_rope", 0, rope(theta=100001.0)),
    Mutant("rope-halves-for-pairs", "RoPE rotates split halves instead of adjacent pairs", "q_post_rope", 0,
           rope(kind="neox")),
    Mutant("position-off-by-one", "the last token's position is one too far in layer 14", "q_post_rope", 14,
           at("q_post_rope", 14, _last_position_one_further)),
    Mutant("epsilon-1.1", "RMS epsilon a tenth too large", "attn_norm", 0, config_scaled("epsilon", 1.1)),
    Mutant("norm-gain", "one gain of layer 8's attention norm off by 0.02 %", "attn_norm", 8,
           at("attn_norm", 8, _one_gain_off(100, 1.0002))),
    Mutant("gelu-for-silu", "GELU instead of SiLU", "ffn_silu", 0, at("ffn_silu", None, lambda c: gelu_tanh(c.input("ffn_gate")))),
    Mutant("gelu-in-layer-20", "GELU instead of SiLU in layer 20", "ffn_silu", 20,
           at("ffn_silu", 20, lambda c: gelu_tanh(c.input("ffn_gate")))),
    Mutant("mask-off-by-one", "layer 22 sees one position ahead", "attention", 22,
           at("attention", 22, lambda c: _attention_with(c, shift=1))),
    Mutant("scale-head-dim-65", "attention scaled by 1/sqrt(head_dim + 1)", "attention", 0,
           at("attention", None, lambda c: _attention_with(c, scale=(1 + 1 / c.model.config.head_dim) ** -0.5))),
    Mutant("scale-1.00001", "attention scale off by 0.001 % in layer 3", "attention", 3,
           at("attention", 3, lambda c: _attention_with(c, scale=1.00001))),
    Mutant("k-heads-swapped", "key heads 0 and 1 swapped in layer 9", "attention", 9,
           at("attention", 9, _first_two_k_heads_swapped)),
    Mutant("heads-tiled", "grouped heads tiled instead of repeated in layer 9", "attention", 9,
           at("attention", 9, lambda c: _attention_with(c, tile=True))),
    Mutant("cache-f16", "keys and values rounded to float16", "attention", 0,
           at("attention", None, lambda c: _attention_with(c, cache=np.float16))),
    Mutant("gate-up-swapped", "layer 4's gate uses the up weights", "ffn_gate", 4, at("ffn_gate", 4, _up_weights_for_gate)),
    Mutant("block-scale-ulp", "one weight block's scale one float16 ulp off in layer 17", "ffn_up", 17,
           weight("blk.17.ffn_up.weight", scale_up_one_ulp(20))),
    Mutant("nibble", "one 4-bit weight code one off in layer 17", "ffn_up", 17,
           weight("blk.17.ffn_up.weight", first_nibble_up_one(20, 4))),
    Mutant("last-element-dropped", "layer 5's down projection ignores the last input", "ffn_out", 5,
           at("ffn_out", 5, _last_input_dropped("ffn_swigl"))),
    Mutant("q-last-element-dropped", "layer 17's q, k and v ignore the last input", "qkv_matmul", 17,
           at("qkv_matmul", 17, _last_input_dropped("attn_norm"))),
    Mutant("attn-out-gain", "layer 25's attention output 0.001 % too large", "attn_out", 25,
           at("attn_out", 25, lambda c: c.sound() * np.float32(1.00001))),
    Mutant("residual-missing", "layer 29 forgets the attention residual", "post_attn_residual", 29,
           at("post_attn_residual", 29, lambda c: np.asarray(c.input("attn_out")))),
    Mutant("quiet-rows", "layer 11's down projection is 0.01 % too large at every position but the first, whose huge values hide it",
           "ffn_out", 11, at("ffn_out", 11, _all_but_the_first_row(1.0001))),
    *(Mutant(f"{stage.replace('_', '-')}-ulp", f"one element of {stage} is one ulp off", stage, layer, at(stage, layer, _one_ulp))
      for stage, layer in (("embedding", 0), ("attn_norm", 2), ("post_attn_residual", 18), ("ffn_norm", 6),
                           ("post_ffn_residual", 12), ("final_norm", None))),
    Mutant("token-off-by-one", "the last token id is one too large", "embedding", 0, at("embedding", 0, _next_token)),
    Mutant("logits-shifted", "logits shifted by one token id", "lm_head", None,
           at("lm_head", None, lambda c: np.roll(c.sound(), 1, axis=-1))),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
