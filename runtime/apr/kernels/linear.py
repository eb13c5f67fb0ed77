"""Linear maps: the product of two matrices, a projection by a stored weight, the head that is the embedding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.ops.linear import product

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]


def matmul(a: Floats, b: Floats) -> Floats:
    """Computes c_ij = sum_k a_ik b_kj.

    Args:
        a: [m, k].
        b: [k, n], of the dtype of a.

    Returns:
        [m, n] in that dtype; zeros where k is 0.

    Raises:
        ValueError: the two do not share k.
    """
    return product(a, b.T)


def linear(x: Floats, weight: Floats) -> Floats:
    """Computes y = x W^T: each row of the weight makes one output, as checkpoints store it.

    Args:
        x: [m, k].
        weight: [n, k], out by in, of the dtype of x.

    Returns:
        [m, n] in that dtype.

    Raises:
        ValueError: the two do not share k.
    """
    return product(x, weight)


def tied_head(x: Floats, table: Floats) -> Floats:
    """Logits of a model whose head is its embedding (Press and Wolf 2017): each row of the table times x.

    Args:
        x: [m, h], after the last norm.
        table: [vocabulary, h], the embedding, of the dtype of x.

    Returns:
        [m, vocabulary] in that dtype; nothing is scaled and no token is left out.

    Raises:
        ValueError: the two do not share h.
    """
    return linear(x, table)
