"""Routing of a mixture of experts (Shazeer et al. 2017; as Qwen3's technical report states it for qwen3moe)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray


def choose_experts(probabilities: NDArray[np.floating[Any]], used: int) -> NDArray[np.intp]:
    """The most probable experts of each position, the likeliest first; of equal ones the lower index.

    llama.cpp sorts with C++'s `std::sort`, which keeps the order of equals only up to 16 experts: beyond, it may name
    another one that is exactly as likely.

    Args:
        probabilities: [positions, experts].
        used: how many of them each position goes to.

    Returns:
        [positions, used] indices of experts.
    """
    order: NDArray[np.intp] = np.argsort(-probabilities, axis=-1, kind="stable")[:, :used]
    return order


def expert_weights(probabilities: NDArray[np.floating[Any]], chosen: NDArray[np.intp]) -> NDArray[np.floating[Any]]:
    """How much each chosen expert counts: its probability over the sum of those chosen.

    The sum cannot vanish: the likeliest of n experts has at least 1/n.

    Args:
        probabilities: [positions, experts].
        chosen: [positions, used] indices of experts.

    Returns:
        [positions, used] in the dtype of the probabilities; each row sums to 1.
    """
    taken = np.take_along_axis(probabilities, chosen, axis=-1)
    normed: NDArray[np.floating[Any]] = taken / taken.sum(axis=-1, keepdims=True)
    return normed


def through_experts(
    x: NDArray[np.floating[Any]],
    chosen: NDArray[np.intp],
    width: int,
    multiply: Callable[[NDArray[np.floating[Any]], int], NDArray[np.floating[Any]]],
    dtype: DTypeLike,
) -> NDArray[np.floating[Any]]:
    """Each row through its expert, one expert at a time so that only one is ever held.

    Args:
        x: [positions, used, columns].
        chosen: [positions, used] indices of experts.
        width: columns of the result.
        multiply: some rows [n, columns] and the index of an expert to [n, width]; not called for an expert that nobody chose.
        dtype: of the result.

    Returns:
        [positions, used, width].
    """
    out = np.empty((*chosen.shape, width), dtype)
    for index in np.unique(chosen):
        at = chosen == index
        out[at] = multiply(np.ascontiguousarray(x[at]), int(index))
    return out


def weighted_sum(outputs: NDArray[np.floating[Any]], weights: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
    """The experts' outputs times their weights, added in order of rank, as ggml's graph adds them.

    Args:
        outputs: [positions, used, hidden].
        weights: [positions, used].

    Returns:
        [positions, hidden] in the dtype of the outputs.
    """
    weighted = outputs * weights[..., None].astype(outputs.dtype)
    total = weighted[:, 0]
    for rank in range(1, weighted.shape[1]):
        total = total + weighted[:, rank]
    return total
