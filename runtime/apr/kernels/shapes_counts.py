"""How many numbers a model holds: the sum over what the runtime asks a file for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.kernels.shapes_inventory import (
    tensor_shapes_llama,
    tensor_shapes_qwen2,
    tensor_shapes_qwen3,
    tensor_shapes_qwen3moe,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray


def parameters_llama(
    layers: int,
    hidden: int,
    feed_forward: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    vocabulary: int,
    tied: bool,
    biased: bool = False,
) -> NDArray[np.int64]:
    """Numbers in all tensors of a llama: [] int64. A tied head has none of its own; arguments as of `tensor_shapes_llama`."""
    return _numbers(
        tensor_shapes_llama(layers, hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, tied, biased)
    )


def parameters_qwen2(
    layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int, tied: bool
) -> NDArray[np.int64]:
    """Those of a qwen2, see `parameters_llama`."""
    return _numbers(tensor_shapes_qwen2(layers, hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, tied))


def parameters_qwen3(
    layers: int, hidden: int, feed_forward: int, heads: int, kv_heads: int, head_dim: int, vocabulary: int, tied: bool
) -> NDArray[np.int64]:
    """Those of a qwen3, see `parameters_llama`."""
    return _numbers(tensor_shapes_qwen3(layers, hidden, feed_forward, heads, kv_heads, head_dim, vocabulary, tied))


def parameters_qwen3moe(
    layers: int,
    hidden: int,
    experts: int,
    expert_feed_forward: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    vocabulary: int,
    tied: bool,
) -> NDArray[np.int64]:
    """Those of a qwen3moe, all experts counted, see `tensor_shapes_qwen3moe`."""
    return _numbers(
        tensor_shapes_qwen3moe(
            layers, hidden, experts, expert_feed_forward, heads, kv_heads, head_dim, vocabulary, tied
        )
    )


def _numbers(shapes: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(shapes.prod(axis=1).sum(), np.int64)
