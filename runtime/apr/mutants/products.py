"""Faults of projections and of the weights they read, planted in a model of 30 layers whose matrices are Q4_1."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from apr.mutants.planting import (
    Call,
    Mutant,
    at,
    first_nibble_up_one,
    float16_up_one_ulp,
    last_input_dropped,
    output,
    times,
    weight,
)

if TYPE_CHECKING:
    from apr.capture import Array
    from apr.models import Model

_UP = "blk.17.ffn_up.weight"
_Q4_1 = 20  # bytes a block: two float16, the scale and the minimum, then 32 codes


def _up_weights_for_gate(call: Call) -> Array:
    return call.model.compute(call.key._replace(stage="ffn_up"), call.tokens, call.positions, call.stages)


def _query_without_last_input(call: Call) -> Array:
    """Keys and values read everything."""
    out, width = np.array(call.sound()), call.model.config.q_width
    out[:, :width] = last_input_dropped("attn_norm")(call)[:, :width]
    return out


def _head_of(model: Model) -> str:
    return "output.weight" if "output.weight" in model.weights else "token_embd.weight"


def _head_block_up(model: Model) -> Model:
    """One block of the head; where the head is tied, the embedding still reads what the file holds."""
    name = _head_of(model)
    raw = np.array(model.weights.raw(name))
    _, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[model.weights.type_name(name)]]
    float16_up_one_ulp(nbytes)(raw)
    other = copy.copy(model)
    other.weights = model.weights.with_raw(name, raw)
    return at("lm_head", None, lambda call: other.compute(call.key, call.tokens, call.positions, call.stages))(model)


def _transposed_head(call: Call) -> Array:
    """The head's numbers, [vocabulary, hidden] in memory, read as [hidden, vocabulary]."""
    x = np.asarray(call.input("final_norm"), np.float64)
    out = np.zeros((len(x), call.model.config.vocabulary))
    width = out.shape[1]
    for part, matrix in call.model.weights.matrix(_head_of(call.model)):
        flat, start = matrix.reshape(-1), part.start * matrix.shape[1]
        while flat.size:  # a stretch of one row of the matrix as it is misread
            row, column = divmod(start, width)
            taken = min(width - column, flat.size)
            out[:, column : column + taken] += x[:, row : row + 1] * flat[:taken].astype(np.float64)
            flat, start = flat[taken:], start + taken
    return out.astype(call.model.arithmetic.dtype)


def _to_float16(out: Array) -> None:
    out[:] = out.astype(np.float16).astype(out.dtype)


def _loud_row_spared(out: Array) -> None:
    out[1:] *= out.dtype.type(1.0001)


def _first_half_negated(out: Array) -> None:
    out[:, : out.shape[1] // 2] *= -1


_ALL = [
    Mutant("block-scale-ulp", "one weight block's scale one float16 ulp off in layer 17", "ffn_up", 17,
           weight(_UP, float16_up_one_ulp(_Q4_1)), kinds=("weight block",)),
    Mutant("block-minimum-ulp", "one weight block's minimum one float16 ulp off in layer 17", "ffn_up", 17,
           weight(_UP, float16_up_one_ulp(_Q4_1, 2)), kinds=("weight block",)),
    Mutant("nibble", "one 4-bit weight code one off in layer 17", "ffn_up", 17, weight(_UP, first_nibble_up_one(_Q4_1, 4)), kinds=("weight element",)),
    Mutant("head-block-ulp", "one weight block's scale one float16 ulp off in the head", "lm_head", None, _head_block_up, kinds=("weight block",)),
    Mutant("gate-up-swapped", "layer 4's gate uses the up weights", "ffn_gate", 4, at("ffn_gate", 4, _up_weights_for_gate), kinds=("wrong weights",)),
    Mutant("last-element-dropped", "layer 5's down projection ignores the last input", "ffn_out", 5,
           at("ffn_out", 5, last_input_dropped("ffn_swigl")), kinds=("last element",)),
    Mutant("qkv-last-element-dropped", "layer 17's q, k and v ignore the last input", "qkv_matmul", 17,
           at("qkv_matmul", 17, last_input_dropped("attn_norm")), kinds=("last element",)),
    Mutant("q-last-element-dropped", "layer 17's query projection ignores the last input", "qkv_matmul", 17,
           at("qkv_matmul", 17, _query_without_last_input), kinds=("last element", "input element")),
    Mutant("attn-out-gain", "layer 25's attention output 0.001 % too large", "attn_out", 25, at("attn_out", 25, times(1.00001)), kinds=("gain",)),
    Mutant("ffn-out-gain-1e-5", "layer 25's down projection 0.001 % too large", "ffn_out", 25, at("ffn_out", 25, times(1 + 1e-5)), kinds=("gain",)),
    Mutant("ffn-out-gain-2e-6", "layer 25's down projection 0.0002 % too large", "ffn_out", 25, at("ffn_out", 25, times(1 + 2e-6)), kinds=("gain",)),
    Mutant("ffn-out-gain-5e-7", "layer 25's down projection 0.00005 % too large", "ffn_out", 25, at("ffn_out", 25, times(1 + 5e-7)), kinds=("gain",)),
    Mutant("ffn-out-f16", "layer 25's down projection is rounded to float16", "ffn_out", 25, at("ffn_out", 25, output(_to_float16)), kinds=("rounding",)),
    Mutant("quiet-rows", "layer 11's down projection is 0.01 % too large at every position but the first, whose huge values hide it",
           "ffn_out", 11, at("ffn_out", 11, output(_loud_row_spared)), kinds=("gain", "gain by position", "position gain")),
    Mutant("sign-flipped", "the first half of layer 13's gate has the wrong sign", "ffn_gate", 13,
           at("ffn_gate", 13, output(_first_half_negated)), kinds=("sign", "gain by channel", "block gain")),
    Mutant("logits-shifted", "logits shifted by one token id", "lm_head", None,
           at("lm_head", None, lambda c: np.roll(c.sound(), 1, axis=-1)), kinds=("shift",)),
    Mutant("head-transposed", "the head, [vocabulary, hidden], is read as [hidden, vocabulary]", "lm_head", None,
           at("lm_head", None, _transposed_head), kinds=("transposition",)),
    Mutant("head-of-zeros", "the head is taken for missing and filled with zeros", "lm_head", None,
           at("lm_head", None, lambda c: np.zeros_like(c.sound())), kinds=("zeros",)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
