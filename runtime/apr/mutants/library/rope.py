"""Faults of the rotation: other pairs, other angles, angles too coarse, positions read wrongly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.rope import rope_frequencies, rope_neox, rope_norm
from apr.mutants.library.planting import mutant
from apr.ops.rope import Rope, Turns, angles, pairs, rotate, turns

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.formats.model_file import RopeKind
    from apr.mutants.library.planting import KernelMutant

    Floats = NDArray[np.floating[Any]]
    Integers = NDArray[np.integer[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_CONTEXT = 4096  # positions that a table of sines was made for


def turned(x: Floats, positions: Integers, theta: float, kind: RopeKind, change: Callable[[Turns], Turns]) -> Floats:
    """A rotation by other sines and cosines."""
    rope = Rope(kind, theta, x.shape[-1])
    return rotate(x, change(turns(angles(positions, rope), rope, x.dtype)), rope)


def at_angles(x: Floats, angle: NDArray[np.float64], theta: float, kind: RopeKind) -> Floats:
    """A rotation by other angles: [m, d / 2]."""
    rope = Rope(kind, theta, x.shape[-1])
    return rotate(x, turns(angle, rope, x.dtype), rope)


@mutant(
    "frequencies-to-the-end",
    of="rope_frequencies",
    fault="the last exponent is 1: 2i is divided by d - 2",
    into=MUTANTS,
)
def _(dims: int, theta: float) -> NDArray[np.float64]:
    out: NDArray[np.float64] = theta ** -np.linspace(0, 1, dims // 2)
    return out


@mutant(
    "frequencies-half-as-far", of="rope_frequencies", fault="the exponent is i / d in place of 2i / d", into=MUTANTS
)
def _(dims: int, theta: float) -> NDArray[np.float64]:
    return rope_frequencies(dims, theta**0.5)


@mutant("frequencies-inverted", of="rope_frequencies", fault="the exponent has no minus: wavelengths", into=MUTANTS)
def _(dims: int, theta: float) -> NDArray[np.float64]:
    return 1 / rope_frequencies(dims, theta)


@mutant("frequencies-of-10000", of="rope_frequencies", fault="theta is always 10 000", into=MUTANTS)
def _(dims: int, theta: float) -> NDArray[np.float64]:
    del theta
    return rope_frequencies(dims, 10000.0)


@mutant("frequencies-from-one", of="rope_frequencies", fault="pairs are counted from one", into=MUTANTS)
def _(dims: int, theta: float) -> NDArray[np.float64]:
    shifted: NDArray[np.float64] = rope_frequencies(dims, theta) * theta ** (-2 / dims)
    return shifted


@mutant("rope-norm-halves", of="rope_norm", fault="halves rotate in place of neighbours", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return rope_neox(x, positions, theta)


@mutant("rope-norm-backwards", of="rope_norm", fault="the sine has the other sign", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return turned(x, positions, theta, "norm", lambda by: Turns(by.cos, -by.sin))


@mutant(
    "rope-norm-overwrites",
    of="rope_norm",
    fault="the second of a pair is made from the first's new value",
    into=MUTANTS,
)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    rope = Rope("norm", theta, x.shape[-1])
    cos, sin = turns(angles(positions, rope), rope, x.dtype)
    out, (first, second) = np.array(x), pairs(rope)
    out[..., first] = out[..., first] * cos - out[..., second] * sin
    out[..., second] = out[..., first] * sin + out[..., second] * cos
    return out


@mutant("rope-norm-one-further", of="rope_norm", fault="positions are counted from one", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return rope_norm(x, positions + 1, theta)


@mutant("rope-norm-theta-10000", of="rope_norm", fault="theta is always 10 000", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    del theta
    return rope_norm(x, positions, 10000.0)


@mutant("rope-norm-float32-angles", of="rope_norm", fault="frequencies and angles are float32", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    narrow = positions.astype(np.float32)[:, None] * rope_frequencies(x.shape[-1], theta).astype(np.float32)
    return at_angles(x, narrow.astype(np.float64), theta, "norm")


@mutant("rope-norm-sine-in-float16", of="rope_norm", fault="sine and cosine are kept in float16", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return turned(
        x, positions, theta, "norm", lambda by: Turns(*(part.astype(np.float16).astype(x.dtype) for part in by))
    )


@mutant(
    "rope-norm-other-sines", of="rope_norm", fault="sines stand in the order of other pairs than cosines", into=MUTANTS
)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return turned(x, positions, theta, "norm", lambda by: Turns(by.cos, by.sin[..., ::-1]))


@mutant(
    "rope-norm-not-negative", of="rope_norm", fault="positions are unsigned: those below zero become zero", into=MUTANTS
)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return rope_norm(x, np.maximum(positions, 0), theta)


@mutant(
    "rope-norm-table-of-4096", of="rope_norm", fault="positions beyond a table of 4096 take its last row", into=MUTANTS
)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return rope_norm(x, np.minimum(positions, _CONTEXT - 1), theta)


@mutant("rope-norm-adds", of="rope_norm", fault="sines and cosines are added, as absolute positions are", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return x + rope_norm(np.ones_like(x), positions, theta)


@mutant("rope-norm-in-place", of="rope_norm", fault="the result is written over x", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    x[...] = rope_norm(x, positions, theta)
    return x
