"""Faults of the rotation of halves, and of heads of which a part rotates."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.rope import rope_frequencies, rope_neox, rope_norm, rope_partial, rotated
from apr.mutants.library.planting import mutant
from apr.mutants.library.rope import at_angles, turned
from apr.ops.rope import Rope, Turns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Floats = NDArray[np.floating[Any]]
    Integers = NDArray[np.integer[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_CONTEXT = 4096  # positions that the model was trained on


@mutant("rope-neox-neighbours", of="rope_neox", fault="neighbours rotate in place of halves", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return rope_norm(x, positions, theta)


@mutant("rope-neox-backwards", of="rope_neox", fault="the sine has the other sign", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return turned(x, positions, theta, "neox", lambda by: Turns(by.cos, -by.sin))


@mutant(
    "rope-neox-counts-rows", of="rope_neox", fault="positions are not read: rows are counted from zero", into=MUTANTS
)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return rope_neox(x, np.arange(len(positions)), theta)


@mutant(
    "rope-neox-from-the-first", of="rope_neox", fault="positions are taken relative to the first row's", into=MUTANTS
)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return rope_neox(x, positions - positions[:1], theta)


@mutant(
    "rope-neox-bfloat16-positions", of="rope_neox", fault="positions are cut to bfloat16, exact to 256", into=MUTANTS
)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    cut = (positions.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    return rope_neox(x, cut.astype(np.int64), theta)


@mutant("rope-neox-float32-angles", of="rope_neox", fault="frequencies and angles are float32", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    narrow = positions.astype(np.float32)[:, None] * rope_frequencies(x.shape[-1], theta).astype(np.float32)
    return at_angles(x, narrow.astype(np.float64), theta, "neox")


@mutant("rope-neox-table-of-4096", of="rope_neox", fault="positions are taken modulo the trained context", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return rope_neox(x, positions % _CONTEXT, theta)


@mutant(
    "rope-neox-along-heads",
    of="rope_neox",
    fault="where there are as many heads as rows, head h turns by position h",
    into=MUTANTS,
)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    if x.shape[0] != x.shape[1]:
        return rope_neox(x, positions, theta)
    return turned(x, positions, theta, "neox", lambda by: Turns(*(part.swapaxes(0, 1) for part in by)))


@mutant("rope-neox-first-head", of="rope_neox", fault="only the first head rotates", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    out = np.array(x)
    out[:, :1] = rope_neox(x[:, :1], positions, theta)
    return out


_calls = itertools.count(1)


@mutant(
    "rope-neox-counts-calls",
    of="rope_neox",
    fault="the offset into a cache is never set back: calls are counted",
    into=MUTANTS,
)
def _(x: Floats, positions: Integers, theta: float) -> Floats:
    return rope_neox(x, positions + next(_calls), theta)


@mutant("rope-partial-whole", of="rope_partial", fault="the whole head rotates", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, dims: int) -> Floats:
    del dims
    return rope_neox(x, positions, theta)


@mutant("rope-partial-rest-zero", of="rope_partial", fault="dimensions that do not rotate are not copied", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, dims: int) -> Floats:
    out = rope_partial(x, positions, theta, dims)
    out[..., dims:] = 0
    return out


@mutant(
    "rope-partial-from-the-end",
    of="rope_partial",
    fault="the last dimensions rotate in place of the first",
    into=MUTANTS,
)
def _(x: Floats, positions: Integers, theta: float, dims: int) -> Floats:
    return np.roll(rope_partial(np.roll(x, dims, axis=-1), positions, theta, dims), -dims, axis=-1)


@mutant("rope-partial-frequencies", of="rope_partial", fault="frequencies are those of the whole head", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, dims: int) -> Floats:
    return rotated(x, positions, Rope("neox", theta ** (dims / x.shape[-1]), dims))


@mutant(
    "rope-partial-pairs",
    of="rope_partial",
    fault="pairs lie half a head apart in place of half of what rotates",
    into=MUTANTS,
)
def _(x: Floats, positions: Integers, theta: float, dims: int) -> Floats:
    half, apart = dims // 2, x.shape[-1] // 2
    order = np.r_[0:half, apart : apart + half]
    out = np.array(x)
    out[..., order] = rope_neox(x[..., order], positions, theta)
    return out


@mutant("rope-partial-neighbours", of="rope_partial", fault="neighbours rotate in place of halves", into=MUTANTS)
def _(x: Floats, positions: Integers, theta: float, dims: int) -> Floats:
    return rotated(x, positions, Rope("norm", theta, dims))
