"""How wide each stage of a forward pass is, whatever the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.kernels.shapes_inventory import config_of
from apr.models.base import Model, stage_width
from apr.models.config import Config, Experts
from apr.models.llama import Llama
from apr.models.qwen2 import Qwen2
from apr.models.qwen3 import Qwen3
from apr.models.qwen3moe import Qwen3Moe

if TYPE_CHECKING:
    from numpy.typing import NDArray


def flow_llama(
    hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int
) -> NDArray[np.int64]:
    """Widths of the stages of a llama of one layer, without biases, in forward order: [17] int64.

    embedding, attn_norm, qkv_matmul, q_post_rope, k_post_rope, attention, attn_out, post_attn_residual, ffn_norm, ffn_gate,
    ffn_up, ffn_silu, ffn_swigl, ffn_out, post_ffn_residual, final_norm, lm_head.
    """
    config = config_of("llama", layers=1, hidden=hidden, feed_forward=feed_forward, heads=heads, kv_heads=kv_heads,
                       head_dim=head_dim, vocabulary=vocabulary)  # fmt: skip
    return _widths(Llama, config)


def flow_qwen2(
    hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int
) -> NDArray[np.int64]:
    """Those of a qwen2: qkv_bias follows qkv_matmul: [18] int64."""
    config = config_of("qwen2", layers=1, hidden=hidden, feed_forward=feed_forward, heads=heads, kv_heads=kv_heads,
                       head_dim=head_dim, vocabulary=vocabulary)  # fmt: skip
    return _widths(Qwen2, config)


def flow_qwen3(
    hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int
) -> NDArray[np.int64]:
    """Those of a qwen3: q_norm and k_norm follow qkv_matmul: [19] int64."""
    config = config_of("qwen3", layers=1, hidden=hidden, feed_forward=feed_forward, heads=heads, kv_heads=kv_heads,
                       head_dim=head_dim, vocabulary=vocabulary)  # fmt: skip
    return _widths(Qwen3, config)


def flow_qwen3moe(
    hidden: int,
    experts: int,
    used: int,
    expert_feed_forward: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    vocabulary: int,
) -> NDArray[np.int64]:
    """Those of a qwen3moe: moe_router_indices and moe_router follow ffn_norm, moe_ffn_out stands for ffn_out: [21] int64."""
    config = config_of("qwen3moe", layers=1, hidden=hidden, feed_forward=1, heads=heads, kv_heads=kv_heads, head_dim=head_dim,
                       vocabulary=vocabulary, experts=Experts(experts, used, expert_feed_forward))  # fmt: skip
    return _widths(Qwen3Moe, config)


def _widths(kind: type[Model], config: Config) -> NDArray[np.int64]:
    stages = kind.stages_of(has_bias=kind.always_biased)
    return np.asarray([stage_width(config, stage) for stage in stages], np.int64)
