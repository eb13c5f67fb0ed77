"""Weights in super-blocks of 256 against Q8_K activations: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_XS.

ggml has two kernels. From 8 positions on (of an expert: positions that go to it) the tiled one (`tiled/tiled-kernel.cpp`)
sums a whole block in integers, `r = d_w * s`, `r = r - m_w * t` fused where there are minima, `acc = r * d_x + acc` fused,
one sum for all. Below 8 `ggml_vec_dot_q4_K_q8_K` and its kin have 8 lanes, lane l of a block the numbers 4 l to 4 l + 3 of
each 32, `acc = (d_w * d_x) * s + acc` fused; each treats minima in its own way, and Q6_K its shift of codes by 32.

Integers are summed by BLAS in float64, exact; where they exceed 2^24, their conversion to float32 rounds to even as
`cvtepi32_ps` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.ops.exact.fused import Accumulator
from apr.ops.exact.lanes import sum_four, sum_halves
from apr.ops.exact.refused import refused
from apr.quant.activations import round_to_q8_k
from apr.quant.codes import SUPER_BLOCKS, Codes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.weights import Weights

    Floats = NDArray[np.float32]
    Wide = NDArray[np.float64]

_F32, _F64 = np.float32, np.float64
TYPES = tuple(SUPER_BLOCKS)
TILED_FROM = 8  # positions, `ggml_tiled_min_batch`
_SUMS = 1 << 15  # as in `plain`


def linear(x: Floats, weights: Weights, name: str) -> Floats:
    """[positions, columns] -> [positions, rows].

    Raises:
        UnsupportedModel: activations that are not finite.
    """
    if not np.isfinite(x).all():
        raise refused(f"activations before {name!r} that are not finite")
    rounded = round_to_q8_k(x)
    type_name = weights.type_name(name)
    out = np.empty((len(x), weights.shape(name)[0]), _F32)
    for part, codes in weights.codes(name):
        out[:, part] = products_with(rounded.codes, rounded.scales, codes, type_name)
    return out


def products_with(x: NDArray[np.int8], scales: Floats, codes: Codes, type_name: str) -> Floats:
    """Rounded activations times some rows of a matrix.

    Args:
        x: [positions, blocks, 256] codes.
        scales: [positions, blocks].
        codes: the rows, taken apart.
        type_name: of the weights.

    Returns:
        [positions, rows].
    """
    tiled = len(x) >= TILED_FROM
    wide = x.astype(_F64)
    out = np.empty((len(x), len(codes.scaled)), _F32)
    step = max(4, _SUMS // (len(x) * (1 if tiled else 8)))
    for start in range(0, out.shape[1], step):
        rows = _some(codes, slice(start, start + step))
        product = _tiled(wide, scales, rows) if tiled else in_lanes(wide, scales, rows, type_name)
        out[:, start : start + step] = product
    return out


def _some(codes: Codes, part: slice) -> Codes:
    rows = (codes.scaled, codes.scale, codes.minima, codes.minima_scale, codes.group_scales)
    return Codes(*(None if array is None else array[part] for array in rows))  # type: ignore[arg-type] # scaled and scale never are


def _blocks_first(codes: Codes) -> Wide:
    """[rows, columns] as [blocks, 256, rows] float64."""
    wide = codes.scaled.astype(_F64)
    return wide.reshape(len(wide), -1, 256).transpose(1, 2, 0)


def _tiled(x: Wide, scales: Floats, codes: Codes) -> Floats:
    """`tiled_run_microtile_avx2`."""
    positions, blocks, _ = x.shape
    right = _blocks_first(codes)
    total = Accumulator(np.zeros((positions, right.shape[2]), _F32))
    sums = x.reshape(positions, blocks, -1, 256 // _groups(codes)).sum(axis=-1)  # [positions, blocks, groups]
    for block in range(blocks):
        whole = (x[:, block] @ right[block]).astype(_F32)
        result = codes.scale[:, block] * whole
        if codes.minima is not None and codes.minima_scale is not None:
            taken = (sums[:, block] @ codes.minima[:, block].astype(_F64).T).astype(_F32)
            less = Accumulator(result)
            less.add(-codes.minima_scale[:, block].astype(_F64) * taken)
            result = less.sums
        total.add(result.astype(_F64) * scales[:, block, None])
    return total.sums


def _groups(codes: Codes) -> int:
    """Minima in a block, of the same number of weights each."""
    return 16 if codes.minima is None else codes.minima.shape[2]


def in_lanes(x: Wide, scales: Floats, codes: Codes, type_name: str) -> Floats:
    """`ggml_vec_dot_…_q8_K`: [positions, blocks, 256] codes and [positions, blocks] scales to [positions, rows]."""
    positions, blocks, _ = x.shape
    rows = len(codes.scaled)
    # number 32 s + 4 l + e of a block belongs to lane l: [blocks, lanes, positions, 32] and [blocks, lanes, 32, rows]
    left = x.reshape(positions, blocks, 8, 8, 4).transpose(1, 3, 0, 2, 4).reshape(blocks, 8, positions, 32)
    right = (
        codes.scaled.astype(_F64).reshape(rows, blocks, 8, 8, 4).transpose(1, 3, 2, 4, 0).reshape(blocks, 8, 32, rows)
    )
    sums = x.reshape(positions, blocks, 16, 16).sum(axis=-1)  # [positions, blocks, 16]
    lanes = Accumulator(np.zeros((8, positions, rows), _F32))
    aside = Accumulator(np.zeros(({"Q4_K": 4}.get(type_name, 1), positions, rows), _F32))
    for block in range(blocks):
        whole = left[block] @ right[block]  # [lanes, positions, rows]
        if codes.group_scales is not None:
            whole += _shift_apart(x[:, block], sums[:, block], codes.group_scales[:, block].astype(_F64))
        if codes.minima is not None and codes.minima_scale is not None:
            pairs = _minima_in_pairs(sums[:, block], codes.minima[:, block].astype(_F64))
            by = (-scales[:, block, None] * codes.minima_scale[:, block]).astype(_F64)
            if type_name == "Q2_K":
                lanes.add(by * pairs)
            elif type_name == "Q4_K":
                aside.add(by * pairs)
            else:  # Q5_K
                aside.add(by * pairs.sum(axis=0, keepdims=True))
        by = (scales[:, block, None] * codes.scale[:, block]).astype(_F64)
        lanes.add(by * whole.astype(_F32))
    out = sum_halves(lanes.sums)
    if type_name in ("Q4_K", "Q5_K"):
        out = out + (sum_four(aside.sums) if type_name == "Q4_K" else aside.sums[0])
    return out


def _minima_in_pairs(sums: Wide, minima: Wide) -> Wide:
    """What `madd_epi16` makes of sums and minima: each two neighbours together.

    Args:
        sums: [positions, 16] over 16 activations each.
        minima: [rows, 8 or 16].

    Returns:
        [4 or 8, positions, rows].
    """
    groups = minima.shape[1]
    each = sums.reshape(len(sums), groups, -1).sum(axis=-1).reshape(len(sums), -1, 2).transpose(1, 0, 2)
    out: Wide = each @ minima.reshape(len(minima), -1, 2).transpose(1, 2, 0)
    return out


def _shift_apart(x: Wide, sums: Wide, group_scales: Wide) -> Wide:
    """Q6_K: codes enter the lanes 32 too large, and what is too much leaves in other lanes, two groups of 16 a lane.

    Args:
        x: [positions, 256].
        sums: [positions, 16].
        group_scales: [rows, 16].

    Returns:
        [8, positions, rows], what lanes differ by from sums of codes that are not shifted.
    """
    quarters = x.reshape(len(x), 8, 8, 4).sum(axis=-1)  # [positions, thirty-twos, lanes]
    scales = group_scales.reshape(len(group_scales), 8, 2).transpose(2, 1, 0)  # [halves, thirty-twos, rows]
    entered = np.concatenate([quarters[:, :, 4 * h : 4 * h + 4].transpose(2, 0, 1) @ scales[h] for h in range(2)])
    left = sums.reshape(len(sums), 8, 2).transpose(1, 0, 2) @ group_scales.reshape(-1, 8, 2).transpose(1, 2, 0)
    out: Wide = 32 * (entered - left)
    return out
