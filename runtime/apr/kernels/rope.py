"""Rotary position embedding (Su et al. 2021, section 3.2.2), in the two kinds of pairs that checkpoints are ordered for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from apr.ops.rope import Rope, angles, frequencies, rotate, turns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]
    Integers = NDArray[np.integer[Any]]


def rope_frequencies(dims: int, theta: float) -> NDArray[np.float64]:
    """[dims / 2] in radians a position: theta ** (-2 i / dims).

    Args:
        dims: how many dimensions of a head rotate, an even number.
        theta: the base, above 1.
    """
    return frequencies(Rope("neox", theta, dims))


def rope_norm(x: Floats, positions: Integers, theta: float) -> Floats:
    """Rotates neighbours, dimensions 2i and 2i + 1 of every head, by position * theta ** (-2 i / d).

    Angles are float64; sine and cosine are rounded to the dtype of x, in which the rest is computed.

    Args:
        x: [m, heads, d], d even; queries or keys.
        positions: [m], of the rows of x, in any order.
        theta: the base of the frequencies.

    Returns:
        [m, heads, d] in the dtype of x, which stays as it is.
    """
    return rotated(x, positions, Rope("norm", theta, x.shape[-1]))


def rope_neox(x: Floats, positions: Integers, theta: float) -> Floats:
    """Rotates halves, dimensions i and i + d / 2 of every head; arguments and result as of `rope_norm`."""
    return rotated(x, positions, Rope("neox", theta, x.shape[-1]))


def rope_partial(x: Floats, positions: Integers, theta: float, dims: int) -> Floats:
    """Rotates the first dimensions of every head, by halves of them, as GPT-NeoX does (Black et al. 2022, section 2.1).

    Args:
        x: [m, heads, d].
        positions: [m], of the rows of x.
        theta: the base of the frequencies, which are those of a head of `dims`.
        dims: how many dimensions rotate, an even number up to d; the others stay.

    Returns:
        [m, heads, d] in the dtype of x.
    """
    return rotated(x, positions, Rope("neox", theta, dims))


def rotated(x: Floats, positions: Integers, rope: Rope) -> Floats:
    """A rotation of [m, heads, d] as the runtime does it in arithmetic `f32`, or `f64` for x of that dtype."""
    return rotate(x, turns(angles(positions, rope), rope, x.dtype), rope)
