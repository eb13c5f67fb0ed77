"""Weights in blocks of 32 with float16 scales: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, IQ4_NL.

Lane l of a block is the integer sum over its numbers 4 l to 4 l + 3; one fused addition a block and lane, `acc = d * sum +
acc` with d the product of both scales (`ggml_vec_dot_q4_1_q8_1` and its kin; tinyBLAS_Q0_AVX adds in the same order). d has
at most 22 bits, so float32 holds it exactly and d * sum is the float64 sum of products of scaled codes: 33 bits each, 35
(Q8_0: 38) together, all exact whatever order BLAS takes. Scales are multiples of 2^-24, so no sum is tiny. Minima are added up
in one number that is added last; their products have 22 bits, so that fusing them or not is the same.

`ggml_vec_dot_iq4_nl_q8_0`, which experts and single positions meet, keeps two sums, of even and of odd blocks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.ops.exact.fused import Accumulator, bits_of, rounds_once
from apr.ops.exact.lanes import sum_halves
from apr.ops.exact.refused import refused
from apr.quant.activations import BLOCK_ROUNDINGS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.activations import Rounded
    from apr.quant.blocks import Affine
    from apr.quant.weights import Weights

    Wide = NDArray[np.float64]

_F32, _F64 = np.float32, np.float64
TWO_SUMS = ("IQ4_NL",)  # types of which experts and single positions meet another kernel
TYPES = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "IQ4_NL")
_SUMS = 1 << 15  # as in `plain`
_PRODUCTS = 1 << 19  # float64 products of all blocks of some rows at a time


def linear(x: NDArray[np.float32], weights: Weights, name: str, *, routed: bool) -> NDArray[np.float32]:
    """[positions, columns] -> [positions, rows].

    Raises:
        UnsupportedModel: activations whose scale float16 does not hold; an odd number of blocks where two sums take turns.
    """
    rounded = BLOCK_ROUNDINGS[weights.format(name).rounding](x)
    for stored in (rounded.scales, rounded.sums):
        if stored is not None and not np.isfinite(stored).all():
            raise refused(f"activations before {name!r} whose scale or sum overflows float16")
    registers = 2 if weights.type_name(name) in TWO_SUMS and (routed or len(x) == 1) else 1
    if rounded.codes.shape[1] % registers:
        raise refused(f"an odd number of {weights.type_name(name)} blocks in a row ({name!r})")
    out = np.empty((len(x), weights.shape(name)[0]), _F32)
    for part, affine in weights.affine(name):
        out[:, part] = products_with(rounded, affine, registers)
    return out


def products_with(rounded: Rounded, affine: Affine, registers: int = 1) -> NDArray[np.float32]:
    """Rounded activations times some rows of a matrix.

    Args:
        rounded: [positions, blocks, 32] codes.
        affine: the rows, taken apart.
        registers: how many sums take turns.

    Returns:
        [positions, rows].
    """
    positions, blocks, _ = rounded.codes.shape
    values = rounded.values
    left = np.ascontiguousarray(
        values.reshape(positions, blocks, 8, 4).transpose(1, 2, 0, 3)
    )  # [blocks, lanes, positions, 4]
    bits = bits_of(values)
    out = np.empty((positions, len(affine.scaled)), _F32)
    step = max(4, min(_SUMS // (8 * positions), _PRODUCTS // (8 * positions * blocks)))
    for start in range(0, len(affine.scaled), step):
        rows = affine.scaled[start : start + step].astype(_F64)
        right = rows.reshape(-1, blocks, 8, 4).transpose(1, 2, 3, 0)
        wide = int(bits_of(rows).max())
        once = np.array([rounds_once(each, wide, 4 * blocks) for each in bits.tolist()])
        for some, promise in ((once, True), (~once, False)):
            if some.any():
                part = left if some.all() else np.ascontiguousarray(left[:, :, some])
                out[some, start : start + step] = _in_lanes(part, right, registers, once=promise)
    if affine.minimum is not None and rounded.sums is not None:
        out += _minima(rounded.sums, affine.minimum)
    return out


def _in_lanes(left: Wide, right: Wide, registers: int, *, once: bool) -> NDArray[np.float32]:
    """[blocks, lanes, positions, 4] x [blocks, lanes, 4, rows] -> [positions, rows]."""
    products = np.matmul(left, right)  # [blocks, lanes, positions, rows]
    totals = [Accumulator(np.zeros(products.shape[1:], _F32), tiny=False, once=once) for _ in range(registers)]
    for block, product in enumerate(products):
        totals[block % registers].add(product)
    return sum_halves(totals[0].sums if registers == 1 else totals[0].sums + totals[1].sums)


def _minima(sums: NDArray[np.float32], minimum: NDArray[np.float32]) -> NDArray[np.float32]:
    """[positions, blocks] x [rows, blocks] -> [positions, rows], block by block."""
    total = Accumulator(np.zeros((len(sums), len(minimum)), _F32), tiny=False)
    wide, right = sums.astype(_F64), np.ascontiguousarray(minimum.T, _F64)
    for block, row in enumerate(right):
        total.add(wide[:, block, None] * row)
    return total.sums
