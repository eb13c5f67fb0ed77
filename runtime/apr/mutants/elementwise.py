"""Faults of what is computed element by element or row by row, planted in a model of 30 layers: norms, activations, sums, rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.planting import Call, Mutant, at, config, config_scaled, far_position, last_position, output
from apr.ops.activation import gelu_tanh

if TYPE_CHECKING:
    from apr.capture import Array


def _next_token(call: Call) -> Array:
    tokens = call.tokens.copy()
    position = far_position(len(tokens))
    tokens[position] = (tokens[position] + 1) % call.model.config.vocabulary
    return call.sound(tokens=tokens)


def _one_gain_off(out: Array) -> None:
    out[:, 100] *= out.dtype.type(1.0002)


def _one_ulp(out: Array) -> None:
    out[-1, -1] = np.nextafter(out[-1, -1], out.dtype.type(np.inf))


_ALL = [
    Mutant("epsilon-1.1", "RMS epsilon a tenth too large", "attn_norm", 0, config_scaled("epsilon", 1.1), kinds=("epsilon",)),
    Mutant("epsilon-1e-6", "RMS epsilon is 1e-6, which other models have", "attn_norm", 0, config(epsilon=1e-6), kinds=("epsilon",)),
    Mutant("norm-gain", "one gain of layer 8's attention norm off by 0.02 %", "attn_norm", 8,
           at("attn_norm", 8, output(_one_gain_off)), kinds=("channel", "gain by channel")),
    Mutant("gelu-for-silu", "GELU instead of SiLU", "ffn_silu", 0, at("ffn_silu", None, lambda c: gelu_tanh(c.input("ffn_gate"))), kinds=("activation",)),
    Mutant("gelu-in-layer-20", "GELU instead of SiLU in layer 20", "ffn_silu", 20,
           at("ffn_silu", 20, lambda c: gelu_tanh(c.input("ffn_gate"))), kinds=("activation",)),
    Mutant("residual-missing", "layer 29 forgets the attention residual", "post_attn_residual", 29,
           at("post_attn_residual", 29, lambda c: np.asarray(c.input("attn_out"))), kinds=("missing term",)),
    *(Mutant(f"{stage.replace('_', '-')}-ulp", f"one element of {stage} is one ulp off", stage, layer,
             at(stage, layer, output(_one_ulp)), kinds=("element",), position=last_position)
      for stage, layer in (("embedding", 0), ("attn_norm", 2), ("post_attn_residual", 18), ("ffn_norm", 6),
                           ("post_ffn_residual", 12), ("final_norm", None))),
    Mutant("token-off-by-one", "one token id is one too large", "embedding", 0, at("embedding", 0, _next_token), kinds=("token",),
           position=far_position),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
