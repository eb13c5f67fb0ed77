"""Products of activations and a weight matrix: which kernel of ggml-cpu multiplies what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.ops.exact import blocks, plain, super_blocks
from apr.ops.exact.refused import refused
from apr.quant.activations import PLAIN_ROUNDINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.weights import Weights

PLAIN_TYPES = ("F32", "F16", "BF16")
TYPES = (*PLAIN_TYPES, *blocks.TYPES, *super_blocks.TYPES)


def linear_exact(x: NDArray[np.float32], weights: Weights, name: str) -> NDArray[np.float32]:
    """[positions, columns] -> [positions, rows], the bits of `ggml_compute_forward_mul_mat` (of an expert: `mul_mat_id`).

    Raises:
        UnsupportedModel: a weight type without an exact kernel, or a shape for which it has none.
    """
    type_name, routed = weights.type_name(name), weights.is_expert(name)
    if type_name in blocks.TYPES:
        return blocks.linear(x, weights, name, routed=routed)
    if type_name in super_blocks.TYPES:
        return super_blocks.linear(x, weights, name)
    if type_name not in PLAIN_TYPES:
        raise refused(f"weights of type {type_name} (tensor {name!r})")
    rounded = PLAIN_ROUNDINGS[type_name](x) if type_name in PLAIN_ROUNDINGS else np.ascontiguousarray(x)
    rows, columns = weights.shape(name)
    tiny_blas = not routed and plain.takes_tiny_blas(len(x), rows, columns)
    out = np.empty((len(x), rows), np.float32)
    for part, matrix in weights.matrix(name):
        if tiny_blas:
            out[:, part] = plain.by_tiny_blas(rounded, matrix)
        else:
            out[:, part] = plain.by_vec_dot(rounded, matrix, type_name)
    return out
