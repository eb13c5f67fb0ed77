"""The null model of products of activations and weights, y = sum_k w_k x_k.

**One sum in float32.** Whatever the order, every addition is a node of a tree over the terms t_k, and its rounding is at most u
times the node's value, the sum of a subset of the terms. Let N terms stand in an exchangeable order. A subset of m of them then
has the mean square (m/N)^2 y^2 + m (N - m) / (N (N - 1)) (P - y^2 / N) <= (m/N)^2 y^2 + (m/N) P, where P = sum_k t_k^2. The
nodes of one level of the tree (all lanes after their j-th addition) are sums of disjoint subsets, so sum (m/N)^2 <= 1 and
sum m/N <= 1, and a level's squares sum to at most y^2 + P on average. With a tree of depth n

    tau^2 = n u^2 (y^2 + P).

A few massive terms need no exchangeability: as long as they dominate, P >= t_1^2 bounds every node that holds one of them.
The order of real kernels is fixed and the terms are not sorted by sign; a kernel that added all positive terms first would have
nodes of up to sqrt(N P) and be noticed, as it should.

**How deep.** In plain float32 any order is allowed: n = K for K columns, and one more for products that are rounded before they
are added. llama.cpp adds integer products exactly inside a block of 32 (Q8_0, Q8_1) or 256 (Q8_K) columns and then blocks in
float32: n = K / 32 or K / 256; NVFP4 has a scale for every 16. Of F32, F16 and BF16 weights it adds products in at least four
lanes: n = K / 4. `_JOIN` more: the product of two scales, its product with the integer, up to 16 lanes that are joined in four
levels, the minima's part that is added, the result. The terms of a block kernel are the blocks' sums, or parts of them where a
lane holds a part of each block, so P is the greater of the two sums of squares: over blocks and over single products.
Formats with minima have two sums, of scaled codes and of minima, that may cancel in y; each has its own y^2 + P. Kernels of Q6_K
and the ternary formats multiply codes from 0 up and subtract an offset o for all columns of a group, in integers, but lane by lane,
and a lane subtracts other columns' share than it multiplied. A lane then holds, beside its part of y, o times the difference
of two disjoint sums of activations, which is on average 0 and has mean square at most 2 sum_k (o x_k)^2; both
together are at most 2 (y^2 + P) + 4 sum_k (o x_k)^2. (Forgetting this was noticed: honest TQ2_0 products were 12 times beyond their limit.)

**Activations rounded or not.** Where one side rounds x to blocks of signed bytes and the other does not, the outputs differ by
sum_k w_k e_k with |e_k| <= D / 2 in a block of scale D: proxy D / 2, in float16 and bfloat16 half an ulp of x_k. A scale that is stored
in float16 is off by 2^-11 for the whole block, so are Q8_1's sums: 2^-11 times what the block contributes to y. (In a block with
a massive number the others become 0, e_k = -x_k: not random, but bounded by D / 2 all the same, and of either sign.)

All outputs of a row share the e_k, so they are correlated: their errors, each over its tau, have the covariance proxy
R = A A^T with A = diag(1 / tau) W diag(D / 2). `spread_of_rows` bounds its greatest eigenvalue; see `tests`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from apr.ops.linear import round_activations
from apr.parity.null.pair import Pair, roundings
from apr.quant.activations import BLOCK_ROUNDINGS, PLAIN_ROUNDINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from apr.quant.blocks import Format
    from apr.quant.weights import Weights

    Floats = NDArray[np.float32]
    Doubles = NDArray[np.float64]

_F32, _F64 = np.float32, np.float64
_JOIN = 8
_LANES = 4
STORED = 2.0**-11  # half an ulp of a float16, relative
BLOCK_OF = {"Q8_0": 32, "Q8_1": 32, "Q8_K": 256}
_FINER = {"NVFP4": 16}
# byte of a block where the float16 scale starts, first and last byte of 8-bit scales of its groups, and what codes start from
_OFFSETS = {"Q6_K": (208, (192, 208), 32), "TQ1_0": (52, None, 1), "TQ2_0": (64, None, 1)}
# of the power iteration: random starts a row, and applications of the matrix
_STARTS, _STEPS = 4, 4
# P(chi^2 with one degree of freedom < c) <= sqrt(2 c / pi): 1e-2 for one start, 1e-8 for all four
_UNLUCKY = np.pi / 2 * 1e-4


def levels(arithmetic: str, columns: int, rounding: str, type_name: str, *, judge: bool) -> float:
    """How many float32 additions deep one side's sum is.

    Args:
        arithmetic: of that side.
        columns: of the weights.
        rounding: what llama.cpp rounds activations to.
        type_name: of the weights.
        judge: whether it is the judge, whose `ggml` sums in float64.
    """
    if arithmetic == "f64":
        return 0.0
    if arithmetic == "f32":
        return columns + 1.0
    if arithmetic == "ggml" and judge:
        return 1.0
    return columns / _FINER.get(type_name, BLOCK_OF.get(rounding, _LANES)) + _JOIN


def variance_of_sums(pair: Pair, x: Floats, weights: Weights, name: str) -> Doubles:
    """Squared proxies of x W^T: [positions, columns] -> [positions, rows]."""
    columns, type_name = x.shape[-1], weights.type_name(name)
    sides = ((pair.judge, True), (pair.other, False))
    kernel = [side for side in sides if side[0] in ("ggml", "exact")]
    plain = sum(levels(each, columns, "F32", type_name, judge=judge) for each, judge in sides if each == "f32")
    total = np.zeros((len(x), weights.shape(name)[0]), _F64)
    if kernel:
        form = weights.format(name)
        deep = sum(levels(each, columns, form.rounding, type_name, judge=judge) for each, judge in kernel)
        for part, energy in _kernel_energy(x, weights, name, form):
            total[:, part] += roundings(deep, energy)
    if plain or pair.mixed:
        # where float64 meets float32 the inputs are rounded once more, which is u^2 P, and the outputs, which is u^2 y^2
        for part, matrix in weights.matrix(name):
            total[:, part] += roundings(plain + pair.mixed, _plain_energy(x, matrix))
    if pair.activations:
        total += _variance_of_activations(x, weights, name)
    return total


def _plain_energy(x: Floats, matrix: Floats) -> Doubles:
    """y^2 + P over single products: [positions, rows]."""
    (a, of_a), (b, of_b) = row_scaled(x), row_scaled(matrix)
    energy: Doubles = ((a @ b.T).astype(_F64) ** 2 + (a * a) @ (b * b).T) * (of_a[:, None] * of_b) ** 2
    return energy


def _kernel_energy(x: Floats, weights: Weights, name: str, form: Format) -> Iterator[tuple[slice, Doubles]]:
    """The same for llama.cpp's kernels: of both parts of the weights, and over blocks where those weigh more."""
    rounded = round_activations(np.asarray(x, _F32), form)
    values, of_x = row_scaled(rounded.values.astype(_F32))
    block = min(BLOCK_OF.get(form.rounding, 1), x.shape[-1])
    for part, (scaled, minimum) in weights.affine(name):
        matrix, of_w = row_scaled(scaled)
        scale = (of_x[:, None] * of_w) ** 2
        each = ((values * values) @ (matrix * matrix).T).astype(_F64)
        if block > 1:
            total, squares = _over_blocks(values, matrix, block)
            energy = (total * total + np.maximum(each, squares)) * scale
        else:
            energy = ((values @ matrix.T).astype(_F64) ** 2 + each) * scale
        if weights.type_name(name) in _OFFSETS:
            offset = _offsets(weights, name, part)
            grouped = (rounded.values**2).reshape(len(x), offset.shape[-1], -1).sum(axis=-1)
            energy = 2 * energy + 4 * grouped @ (offset**2).T
        if minimum is not None and rounded.sums is not None:
            energy += _plain_energy(rounded.sums.astype(_F32), minimum)
        yield part, energy


def _offsets(weights: Weights, name: str, part: slice) -> Doubles:
    """[rows, groups]: what codes that start from 0 are too great by, in units of the weights."""
    type_name = weights.type_name(name)
    at, group_scales, offset = _OFFSETS[type_name]
    nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]][1]
    raw = weights.raw(name)
    rows = np.ascontiguousarray(raw.reshape(-1, raw.shape[-1])[part])
    blocks = rows.reshape(-1, nbytes)
    scale = np.ascontiguousarray(blocks[:, at : at + 2]).view("<f2").astype(_F64)
    if group_scales is not None:
        scale = scale * blocks[:, slice(*group_scales)].view(np.int8)
    return (offset * scale).reshape(len(rows), -1)


def _over_blocks(values: Floats, matrix: Floats, block: int) -> tuple[Doubles, Doubles]:
    """[positions, rows]: the sum of all products, and the sum of the squares of the blocks' sums."""
    total = np.zeros((len(values), len(matrix)), _F32)
    squares = np.zeros_like(total)
    for start in range(0, values.shape[1], block):
        of_block = values[:, start : start + block] @ matrix[:, start : start + block].T
        total += of_block
        of_block *= of_block
        squares += of_block
    return total.astype(_F64), squares.astype(_F64)


def row_scaled(x: Floats) -> tuple[Floats, Doubles]:
    """Rows over a power of two near their greatest number, so that squares fit float32, and those powers."""
    greatest = np.abs(x).max(axis=-1, initial=0.0).astype(_F64)
    power = np.exp2(np.floor(np.log2(np.where((greatest > 0) & np.isfinite(greatest), greatest, 1.0))))
    return (x / power[:, None]).astype(_F32), power


class Errors(NamedTuple):
    """Of rounded activations.

    Attributes:
        codes: [positions, columns] float64, the most each number is off by itself.
        stored: [positions, columns] float64, the numbers that a scale stored in float16 multiplies; None without one.
        sums: [positions, groups] float64, sums stored in float16; None without them.
        block: columns that share a scale.
    """

    codes: Doubles
    stored: Doubles | None
    sums: Doubles | None
    block: int


def activation_errors(x: Floats, rounding: str) -> Errors | None:
    """By how much activations are off after they were rounded; None where they are not rounded."""
    wide = np.asarray(x, _F32)
    if rounding == "F32":
        return None
    if rounding in PLAIN_ROUNDINGS:
        bits = 11 if rounding == "F16" else 8
        exponent = np.floor(np.log2(np.maximum(np.abs(wide.astype(_F64)), 2.0**-14 if bits == 11 else 2.0**-126)))
        return Errors(np.exp2(exponent - bits), None, None, 1)
    rounded = BLOCK_ROUNDINGS[rounding](wide)
    block = BLOCK_OF[rounding]
    half = np.repeat(np.abs(rounded.scales.astype(_F64)) / 2, block, axis=-1)
    if rounding == "Q8_K":
        return Errors(half, None, None, block)
    return Errors(half, rounded.values, None if rounded.sums is None else rounded.sums.astype(_F64), block)


def _variance_of_activations(x: Floats, weights: Weights, name: str) -> Doubles:
    form = weights.format(name)
    errors = activation_errors(x, form.rounding)
    out = np.zeros((len(x), weights.shape(name)[0]), _F64)
    if errors is None:
        return out
    codes, of_codes = row_scaled(errors.codes.astype(_F32))
    for part, matrix in weights.matrix(name):
        w, of_w = row_scaled(matrix)
        out[:, part] = ((codes * codes) @ (w * w).T) * (of_codes[:, None] * of_w) ** 2
    if errors.stored is None:
        return out
    stored, of_stored = row_scaled(errors.stored.astype(_F32))
    for part, (scaled, minimum) in weights.affine(name):
        w, of_w = row_scaled(scaled)
        _, squares = _over_blocks(stored, w, errors.block)
        out[:, part] += STORED**2 * squares * (of_stored[:, None] * of_w) ** 2
        if minimum is not None and errors.sums is not None:
            m = minimum.astype(_F64)
            out[:, part] += STORED**2 * (errors.sums**2) @ (m * m).T
    return out


def spread_of_rows(pair: Pair, x: Floats, weights: Weights, name: str) -> Doubles:
    """[positions]: a bound of the greatest eigenvalue of the errors' covariance proxy, each error over its own tau.

    1 where errors are independent. Rounded activations are shared by all outputs of a row: from random starts g, R is applied
    `_STEPS` times, |R^s g|^2 >= lambda^(2 s) (g v)^2 with v the first eigenvector, and (g v)^2 is chi-squared with one degree of
    freedom, below `_UNLUCKY` for all starts with a probability of 1e-8 (Kuczynski and Wozniakowski 1992 count in the same way). What
    roundings of scales and of sums add is at most their share of the trace.
    """
    form = weights.format(name) if pair.activations else None
    errors = activation_errors(x, form.rounding) if form is not None else None
    if errors is None:
        return np.ones(len(x))
    variance = variance_of_sums(pair, x, weights, name)
    inverse = np.where(variance > 0, 1 / np.sqrt(np.where(variance > 0, variance, 1.0)), 0.0)
    codes = errors.codes
    rng = np.random.Generator(np.random.PCG64(len(x)))
    v = rng.standard_normal((_STARTS, *variance.shape))
    grown = np.zeros((_STARTS, len(x)))
    trace = np.zeros(len(x))
    for step in range(_STEPS):
        back = np.zeros((_STARTS, *x.shape))
        for part, matrix in weights.matrix(name):
            back += (v * inverse)[..., part].astype(_F32) @ matrix
            if not step:
                share = (codes**2).astype(_F64) @ (matrix.astype(_F64) ** 2).T
                trace += (share * inverse[:, part] ** 2).sum(axis=-1)
        back *= codes**2
        for part, matrix in weights.matrix(name):
            v[..., part] = back.astype(_F32) @ matrix.T * inverse[:, part]
        size = np.sqrt((v * v).sum(axis=-1))
        size = np.where(size > 0, size, 1.0)
        grown += np.log(size)
        v /= size[..., None]
    top = np.exp((2 * grown.max(axis=0) - np.log(_UNLUCKY)) / (2 * _STEPS))
    rest = (variance > 0).sum(axis=-1) - trace
    stored = np.zeros(len(x)) if errors.stored is None else np.maximum(rest, 0.0)
    bound: Doubles = np.minimum(np.minimum(top, trace) + stored + 1.0, np.maximum(variance.shape[1], 1.0))
    return bound


def because(pair: Pair, weights: Weights, name: str) -> tuple[str, ...]:
    """What the null model of a product is made of, for people."""
    columns, type_name = weights.shape(name)[-1], weights.type_name(name)
    made = []
    if "f32" in pair:
        made.append(f"sums of {columns} products in float32")
    if {"ggml", "exact"} & set(pair):
        rounding = weights.format(name).rounding
        if rounding in BLOCK_OF:
            made.append(f"sums of {columns // _FINER.get(type_name, BLOCK_OF[rounding])} blocks in float32")
        else:
            made.append(f"sums of {columns // _LANES} products in float32")
        if pair.activations and rounding != "F32":
            made.append(f"activations rounded to {rounding}")
    return tuple(made)
