"""Which tensors an architecture has, of which shapes, and how many numbers that are: what the runtime asks a file for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.models import ARCHITECTURES
from apr.models.base import BIASES_FROM
from apr.models.config import Config, Experts
from apr.ops.rope import Rope

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DIMENSIONS = 3


def config_of(
    architecture: str,
    *,
    layers: int,
    hidden: int,
    feed_forward: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    vocabulary: int,
    experts: Experts | None = None,
) -> Config:
    """Hyper-parameters of these sizes; what does not touch a shape is anything."""
    return Config(
        architecture=architecture,
        n_layers=layers,
        hidden=hidden,
        feed_forward=feed_forward,
        n_heads=heads,
        n_kv_heads=kv_heads,
        head_dim=head_dim,
        vocabulary=vocabulary,
        rope=Rope("norm", 1e4, head_dim),
        epsilon=1e-6,
        context=1,
        experts=experts,
    )


def inventory(config: Config, *, tied: bool, biased: bool = False) -> dict[str, tuple[int, ...]]:
    """Name and shape, outermost dimension first, of every tensor that the runtime asks a file for, in its order.

    Args:
        config: of one of `apr.models.ARCHITECTURES`.
        tied: whether the embedding is the head, too.
        biased: whether a llama has biases.
    """
    held = [*([] if tied else ["output.weight"]), *([BIASES_FROM] if biased else [])]
    return ARCHITECTURES[config.architecture].shapes(config, held)


def tensor_shapes_llama(
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
    """Shapes of a llama's tensors: [tensors, 3] int64, ones in front of what has fewer dimensions.

    First those outside of the layers, then layer by layer, in the order in which the runtime asks for them.

    Args:
        layers: how many.
        hidden: columns of the residual stream.
        feed_forward: columns of the feed-forward part.
        heads: query heads.
        kv_heads: key heads.
        head_dim: columns of a head.
        vocabulary: rows of the embedding.
        tied: whether the embedding is the head, too.
        biased: whether queries, keys and values have biases.
    """
    config = config_of("llama", layers=layers, hidden=hidden, feed_forward=feed_forward, heads=heads, kv_heads=kv_heads,
                       head_dim=head_dim, vocabulary=vocabulary)  # fmt: skip
    return _table(config, tied=tied, biased=biased)


def tensor_shapes_qwen2(
    layers: int,
    hidden: int,
    feed_forward: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    vocabulary: int,
    tied: bool,
) -> NDArray[np.int64]:
    """Those of a qwen2, see `tensor_shapes_llama`."""
    config = config_of("qwen2", layers=layers, hidden=hidden, feed_forward=feed_forward, heads=heads, kv_heads=kv_heads,
                       head_dim=head_dim, vocabulary=vocabulary)  # fmt: skip
    return _table(config, tied=tied)


def tensor_shapes_qwen3(
    layers: int,
    hidden: int,
    feed_forward: int,
    heads: int,
    kv_heads: int,
    head_dim: int,
    vocabulary: int,
    tied: bool,
) -> NDArray[np.int64]:
    """Those of a qwen3, see `tensor_shapes_llama`."""
    config = config_of("qwen3", layers=layers, hidden=hidden, feed_forward=feed_forward, heads=heads, kv_heads=kv_heads,
                       head_dim=head_dim, vocabulary=vocabulary)  # fmt: skip
    return _table(config, tied=tied)


def tensor_shapes_qwen3moe(
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
    """Those of a qwen3moe with `experts` experts of `expert_feed_forward` columns a layer, see `tensor_shapes_llama`."""
    mixture = Experts(experts, 1, expert_feed_forward)  # how many are used touches no shape
    config = config_of("qwen3moe", layers=layers, hidden=hidden, feed_forward=1, heads=heads, kv_heads=kv_heads,
                       head_dim=head_dim, vocabulary=vocabulary, experts=mixture)  # fmt: skip
    return _table(config, tied=tied)


def _table(config: Config, *, tied: bool, biased: bool = False) -> NDArray[np.int64]:
    shapes = inventory(config, tied=tied, biased=biased).values()
    return np.asarray([(1,) * (_DIMENSIONS - len(shape)) + shape for shape in shapes], np.int64)
