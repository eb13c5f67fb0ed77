"""How ggml looks for the scale of a group of numbers, in float32 and in its order of operations.

Sums are taken in order, which `accumulate` does; every product is rounded by itself. A library whose compiler fuses products
and sums may choose otherwise where two candidates are nearly as good. Source: `make_qkx2_quants` and `make_qx_quants` in
ggml-quants.c.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.quant.encodings.rows import largest, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.encodings.rows import Floats

    Codes = NDArray[np.int32]

_F32 = np.float32
# groups whose greatest magnitude is less are all zeros to ggml (GROUP_MAX_EPS)
NOTHING = _F32(1e-15)


def in_order(terms: Floats) -> Floats:
    """Sums over the last axis, one addition after the other: [..., n] to [..., 1]."""
    sums: Floats = np.add.accumulate(terms, axis=-1)[..., -1:]
    return sums


def scale_and_minimum(x: Floats, steps: int) -> tuple[Floats, Floats, Codes]:
    """Scale and minimum with which codes from 0 to `steps` come nearest to numbers, weighted by mean plus own magnitude.

    Twenty-one scales about the range divided by the steps are tried; each one's codes give the best scale and minimum by
    least squares, and the least squared error wins. A minimum that this moves is what the next scale starts from.

    Args:
        x: [groups, n] float32.
        steps: the greatest code.

    Returns:
        [groups, 1] scales; [groups, 1] minima with their sign turned, never negative; [groups, n] codes.
    """
    weights = np.sqrt(in_order(x * x) / _F32(x.shape[-1])) + np.abs(x)
    total, weighted = in_order(weights), in_order(weights * x)
    low, high = np.minimum(x.min(axis=-1, keepdims=True), _F32(0)), x.max(axis=-1, keepdims=True)
    level = low == high
    if level.all():
        return np.zeros_like(low), -low, np.zeros(x.shape, np.int32)
    with np.errstate(all="ignore"):  # groups without a range are left out at the end
        scale = _F32(1) / (_F32(steps) / (high - low))
        codes = _codes(_F32(steps) / (high - low), x, low, steps)
        best = _error(scale, low, codes, x, weights)
        for step in range(21):
            tried = _codes((_F32(-1) + _F32(0.1) * _F32(step) + _F32(steps)) / (high - low), x, low, steps)
            fitted, moved, solvable = _least_squares(tried, x, weights, total, weighted)
            error = _error(fitted, moved, tried, x, weights)
            better = solvable & (error < best)
            best, scale, low = (np.where(better, *pair) for pair in ((error, best), (fitted, scale), (moved, low)))
            codes = np.where(better, tried, codes)
    return np.where(level, _F32(0), scale), -low, np.where(level, 0, codes).astype(np.int32)


def _codes(inverse: Floats, x: Floats, low: Floats, steps: int) -> Floats:
    return np.minimum(np.maximum(np.rint(inverse * (x - low)), _F32(0)), _F32(steps))


def _error(scale: Floats, low: Floats, codes: Floats, x: Floats, weights: Floats) -> Floats:
    distance = scale * codes + low - x
    return in_order(weights * (distance * distance))


def _least_squares(
    codes: Floats, x: Floats, weights: Floats, total: Floats, weighted: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Scale and minimum, which is not positive, that fit codes best, and whether there are any."""
    times = weights * codes
    first, second, product = in_order(times), in_order(times * codes), in_order(times * x)
    determinant = total * second - first * first
    scale = (total * product - weighted * first) / determinant
    low = (second * weighted - first * product) / determinant
    above = low > 0
    return np.where(above, product / second, scale), np.where(above, _F32(0), low), determinant > 0


def signed_scale(x: Floats, half: int) -> tuple[Floats, Codes]:
    """The scale with which codes from -half to half - 1 come nearest to numbers, weighted by their squares.

    Nineteen scales about the one that sends the number of greatest magnitude to -half are tried; each one's codes give the
    best scale by least squares.

    Args:
        x: [groups, n] float32.
        half: half the number of codes.

    Returns:
        [groups, 1] scales of either sign, 0 for groups of next to nothing; [groups, n] codes plus half.
    """
    greatest = largest(x)
    nothing = np.abs(greatest) < NOTHING
    steps = [0, *range(-9, 0), *range(1, 10)]
    widths = np.array([-(_F32(half) + _F32(0.1) * _F32(step)) for step in steps], _F32)[:, None, None]
    weights = x * x
    with np.errstate(all="ignore"):  # groups of nothing are left out at the end
        codes = np.clip(nearest(widths / greatest * x), -half, half - 1)
        multiples = codes.astype(_F32)
        product, second = in_order(weights * x * multiples), in_order(weights * multiples * multiples)
        fitted = np.where(second != 0, product / second, _F32(0))
        best, chosen = fitted[0] * product[0], np.zeros_like(nothing, np.intp)
        for step in range(1, len(steps)):
            better = (second[step] > 0) & (product[step] * product[step] > best * second[step])
            best = np.where(better, fitted[step] * product[step], best)
            chosen = np.where(better, step, chosen)
    scale = np.take_along_axis(fitted, chosen[None], axis=0)[0]
    taken = np.take_along_axis(codes, chosen[None], axis=0)[0]
    return np.where(nothing, _F32(0), scale), np.where(nothing, 0, taken + half)
