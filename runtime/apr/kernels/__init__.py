"""The equations of a transformer as the runtime computes them, one function each: arrays in, arrays out.

The contracts of the library speak about functions of these names; any other module that has them can stand in for this one.
"""

from __future__ import annotations

from apr.kernels.activations import gelu, gelu_tanh, silu, swiglu
from apr.kernels.attention import (
    attention,
    attention_full,
    attention_weights,
    cached_attention,
    flash_attention,
    flash_window_attention,
    grouped_attention,
    head_scale,
    qk_norm,
    sliding_window_attention,
)
from apr.kernels.elementwise import bias_add, residual_add
from apr.kernels.embedding import embedding
from apr.kernels.linear import linear, matmul, tied_head
from apr.kernels.losses import cross_entropy, log_softmax
from apr.kernels.norms import layer_norm, rms_norm
from apr.kernels.rope import rope_frequencies, rope_neox, rope_norm, rope_partial
from apr.kernels.rope_scaled import llama3_frequencies, rope_linear, rope_llama3, rope_yarn, yarn_frequencies
from apr.kernels.routing import choose_experts, expert_weights, moe_dispatch, moe_route
from apr.kernels.softmax import softmax

__all__ = [
    "attention",
    "attention_full",
    "attention_weights",
    "bias_add",
    "cached_attention",
    "choose_experts",
    "cross_entropy",
    "embedding",
    "expert_weights",
    "flash_attention",
    "flash_window_attention",
    "gelu",
    "gelu_tanh",
    "grouped_attention",
    "head_scale",
    "layer_norm",
    "linear",
    "llama3_frequencies",
    "log_softmax",
    "matmul",
    "moe_dispatch",
    "moe_route",
    "qk_norm",
    "residual_add",
    "rms_norm",
    "rope_frequencies",
    "rope_linear",
    "rope_llama3",
    "rope_neox",
    "rope_norm",
    "rope_partial",
    "rope_yarn",
    "silu",
    "sliding_window_attention",
    "softmax",
    "swiglu",
    "tied_head",
    "yarn_frequencies",
]
