"""Faults of products: what a tiled loop, a narrow accumulator or a misread layout does to a matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.linear import linear, matmul
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_BLOCK = 8  # terms that an unrolled loop adds at a time


def _per_batch(x: Floats) -> Floats:
    """Rounded to 8 bits by one scale for all rows."""
    scale = np.abs(x).max(initial=0) / 127
    return x if scale == 0 else (np.round(x / scale) * scale).astype(x.dtype)


@mutant("matmul-square-transposed", of="matmul", fault="a square second matrix is read transposed", into=MUTANTS)
def _(a: Floats, b: Floats) -> Floats:
    return matmul(a, b.T if b.shape[0] == b.shape[1] else b)


@mutant(
    "matmul-without-the-rest", of="matmul", fault="terms beyond the last whole block of 8 are left out", into=MUTANTS
)
def _(a: Floats, b: Floats) -> Floats:
    whole = len(b) // _BLOCK * _BLOCK
    return matmul(a[:, :whole], b[:whole])


@mutant("matmul-odd-column", of="matmul", fault="the last column of an odd number is not computed", into=MUTANTS)
def _(a: Floats, b: Floats) -> Floats:
    out = matmul(a, b)
    out[:, b.shape[1] - b.shape[1] % 2 :] = 0
    return out


@mutant("matmul-of-float16", of="matmul", fault="both matrices are rounded to float16", into=MUTANTS)
def _(a: Floats, b: Floats) -> Floats:
    return matmul(a.astype(np.float16).astype(a.dtype), b.astype(np.float16).astype(b.dtype))


@mutant("matmul-sums-in-float16", of="matmul", fault="the running sum is float16", into=MUTANTS)
def _(a: Floats, b: Floats) -> Floats:
    total = np.zeros((len(a), b.shape[1]), np.float16)
    for term in range(len(b)):
        total = (total + a[:, term, None] * b[None, term]).astype(np.float16)
    return total.astype(a.dtype)


@mutant("matmul-skips-zeros", of="matmul", fault="terms with a zero on the left are not added", into=MUTANTS)
def _(a: Floats, b: Floats) -> Floats:
    out = np.zeros((len(a), b.shape[1]), a.dtype)
    for term in range(len(b)):
        rows = a[:, term] != 0
        out[rows] += a[rows, term, None] * b[None, term]
    return out


_kept: dict[tuple[int, int], Floats] = {}


@mutant("matmul-adds-to-the-last", of="matmul", fault="the buffer of results is not cleared", into=MUTANTS)
def _(a: Floats, b: Floats) -> Floats:
    shape = (len(a), b.shape[1])
    _kept[shape] = matmul(a, b) + _kept.get(shape, 0)
    return _kept[shape]


@mutant(
    "matmul-over-its-input", of="matmul", fault="the result is written over a first matrix of its shape", into=MUTANTS
)
def _(a: Floats, b: Floats) -> Floats:
    out = matmul(a, b)
    if out.shape == a.shape:
        a[...] = out
    return out


@mutant("matmul-nothing-to-add", of="matmul", fault="sums of no terms are whatever was in memory", into=MUTANTS)
def _(a: Floats, b: Floats) -> Floats:
    return np.full((len(a), b.shape[1]), np.inf, a.dtype) if len(b) == 0 else matmul(a, b)


@mutant("matmul-ignores-strides", of="matmul", fault="memory is read as if rows lay one behind the other", into=MUTANTS)
def _(a: Floats, b: Floats) -> Floats:
    return matmul(*(x.ravel(order="K").reshape(x.shape) for x in (a, b)))


@mutant("matmul-one-scale", of="matmul", fault="rows are rounded to 8 bits by one scale for all of them", into=MUTANTS)
def _(a: Floats, b: Floats) -> Floats:
    return matmul(_per_batch(a), b)


@mutant("linear-square-not-transposed", of="linear", fault="x W in place of x W^T where W is square", into=MUTANTS)
def _(x: Floats, weight: Floats) -> Floats:
    return linear(x, weight.T if weight.shape[0] == weight.shape[1] else weight)


@mutant("linear-in-by-out", of="linear", fault="the weight's memory is read as [in, out]", into=MUTANTS)
def _(x: Floats, weight: Floats) -> Floats:
    return matmul(x, weight.reshape(weight.shape[::-1]))


@mutant(
    "linear-without-the-rest", of="linear", fault="terms beyond the last whole block of 8 are left out", into=MUTANTS
)
def _(x: Floats, weight: Floats) -> Floats:
    whole = x.shape[1] // _BLOCK * _BLOCK
    return linear(x[:, :whole], weight[:, :whole])


@mutant("linear-weight-in-bfloat16", of="linear", fault="the weight is cut to bfloat16", into=MUTANTS)
def _(x: Floats, weight: Floats) -> Floats:
    cut = (np.ascontiguousarray(weight, np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    return linear(x, cut.reshape(weight.shape))


@mutant("linear-saturates", of="linear", fault="results are cut to what float16 holds", into=MUTANTS)
def _(x: Floats, weight: Floats) -> Floats:
    return np.clip(linear(x, weight), -65504, 65504)


@mutant("linear-rows-interleaved", of="linear", fault="rows of the two halves of the weight come in turn", into=MUTANTS)
def _(x: Floats, weight: Floats) -> Floats:
    half = (len(weight) + 1) // 2
    order = np.argsort(np.r_[0 : 2 * half : 2, 1 : 2 * (len(weight) - half) : 2], kind="stable")
    return linear(x, weight[order])


@mutant(
    "linear-one-scale", of="linear", fault="the weight is rounded to 8 bits by one scale for all rows", into=MUTANTS
)
def _(x: Floats, weight: Floats) -> Floats:
    return linear(x, _per_batch(weight))


@mutant("linear-x-by-one-scale", of="linear", fault="x is rounded to 8 bits by one scale for all rows", into=MUTANTS)
def _(x: Floats, weight: Floats) -> Floats:
    return linear(_per_batch(x), weight)


@mutant(
    "linear-scales-in-place", of="linear", fault="x is divided by its length in place and never put back", into=MUTANTS
)
def _(x: Floats, weight: Floats) -> Floats:
    out = linear(x, weight)
    x /= np.maximum(np.abs(x).max(initial=0), 1)
    return out
