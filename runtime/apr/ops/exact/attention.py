"""Attention as ggml's graph computes it with flash attention off and a float32 cache: two products and a softmax a head."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.ops.exact.plain import by_tiny_blas, by_vec_dot, takes_tiny_blas
from apr.ops.exact.softmax import softmax_exact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_F32 = np.float32
_CELLS = 256  # the cache is read in multiples of so many cells; those that hold nothing are masked, and zero


def attend_exact(q: Floats, k: Floats, v: Floats, mask: NDArray[np.bool_], scale: float) -> Floats:
    """softmax(q k^T * scale) v for each head; arguments and result as of `apr.ops.attention.attend`.

    Raises:
        UnsupportedModel: heads whose width has no exact kernel.
    """
    positions, heads, width = q.shape
    factor = _scale(scale)
    cells = _cells(len(k))
    seen = np.zeros((positions, cells), np.bool_)
    seen[:, : len(k)] = mask
    # queries of a single head lie as tinyBLAS wants them, those of several do not
    by_keys = by_tiny_blas if heads == 1 and takes_tiny_blas(positions, _CELLS, width) else by_vec_dot
    by_values = by_tiny_blas if takes_tiny_blas(positions, width, _CELLS) else by_vec_dot
    mixed = np.empty(q.shape, _F32)
    for head in range(heads):
        scores = np.full((positions, cells), -np.inf, _F32)
        products = by_keys(np.ascontiguousarray(q[:, head]), np.ascontiguousarray(k[:, head]))
        scores[:, : len(k)] = products * factor
        weights = softmax_exact(np.where(seen, scores, _F32(-np.inf)))
        values = np.zeros((width, cells), _F32)
        values[:, : len(v)] = v[:, head].T
        mixed[:, head] = by_values(weights, values)
    return mixed.reshape(positions, -1)


def _scale(scale: float) -> np.float32:
    """The scale 1 / sqrt(width) as llama.cpp has it, `1.0f / sqrtf(width)`: rounded twice."""
    return _F32(_F32(1) / np.sqrt(_F32(scale**-2)))


def _cells(keys: int) -> int:
    """Cells that matter: one step of a kernel is 32, and one over zeros alone turns a sum of -0 into 0."""
    return min(-(-keys // _CELLS) * _CELLS, (keys // 32 + 2) * 32)
