"""Faults of quantised arithmetic: activations rounded otherwise, or one tensor's bytes read otherwise.

Each is planted in a model whose matrices all have one type; that type is part of the mutant.
"""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.planting import Mutant, weight
from apr.ops.linear import Activations, linear_ggml, round_activations
from apr.quant.activations import round_to_q8_0, round_to_q8_1, round_to_q8_k

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.models import Model
    from apr.quant.blocks import Format

    Floats = NDArray[np.float32]
    Blocks = NDArray[np.uint8]
    Rounding = Callable[[Floats, Format], Activations]

_F32 = np.float32


@dataclass(frozen=True)
class ArithmeticMutant(Mutant):
    """One planted fault.

    Attributes:
        weights: the type that the model's matrices must have.
    """

    weights: str


def rounding(fault: Rounding) -> Callable[[Model], Model]:
    """Another rounding of activations, before every product."""

    def plant(model: Model) -> Model:
        faulty = copy.copy(model)
        faulty.arithmetic = dataclasses.replace(model.arithmetic, linear=partial(linear_ggml, rounding=fault))
        return faulty

    return plant


def blocks(name: str, nbytes: int, change: Callable[[Blocks], None]) -> Callable[[Model], Model]:
    """Every block of a tensor, [blocks, bytes], changed."""
    return weight(name, lambda raw: change(raw.reshape(-1, nbytes)))


def _groups(x: NDArray[np.float64], form: Format) -> NDArray[np.float64] | None:
    return x.reshape(len(x), -1, form.minima.group).sum(axis=-1) if form.minima else None


def not_rounded(x: Floats, form: Format) -> Activations:
    """Activations as they are."""
    wide = x.astype(np.float64)
    return Activations(wide, _groups(wide, form))


def _cut(x: Floats, _form: Format) -> Activations:
    """The lower half of each number cut off."""
    return Activations((x.view(np.uint32) & np.uint32(0xFFFF0000)).view(_F32).astype(np.float64), None)


def _scale_in_f32(x: Floats, _form: Format) -> Activations:
    codes = round_to_q8_0(x).codes
    scale = np.abs(x.reshape(codes.shape)).max(axis=-1) / _F32(127)
    return Activations((codes * scale[..., None].astype(np.float64)).reshape(x.shape), None)


def _eight_bit_floor(x: Floats, _form: Format) -> Activations:
    """Codes rounded down."""
    sound = round_to_q8_0(x)
    inverse = _F32(127) / np.abs(x.reshape(sound.codes.shape)).max(axis=-1, keepdims=True)
    codes = np.floor(x.reshape(sound.codes.shape) * inverse)
    return Activations((codes * sound.scales[..., None].astype(np.float64)).reshape(x.shape), None)


def _sums_by(sums: Callable[[Floats, Format], NDArray[np.float64]]) -> Rounding:
    """Values as they should be, sums as they shouldn't."""
    return lambda x, form: round_activations(x, form)._replace(sums=sums(x, form))


def _sums_of_values(x: Floats, _form: Format) -> NDArray[np.float64]:
    """The sum of what a block stands for, `d16 * sum(codes)`, not stored on its own."""
    return round_to_q8_1(x)._replace(sums=None).group_sums(32)


def _sums_of_stored_scale(x: Floats, _form: Format) -> NDArray[np.float64]:
    """`f16(d16 * sum(codes))`: stored, from the scale as it was stored."""
    rounded = round_to_q8_1(x)
    sums: Floats = rounded.scales * rounded.codes.sum(axis=-1, dtype=np.int32).astype(_F32)
    return sums.astype(np.float16).astype(np.float64)


def in_blocks_of_32(codes_of: Callable[[Floats, Floats], Floats], *, narrow: bool = True) -> Rounding:
    """Q8_1, and Q8_0, with other codes or with a scale that is kept in float32.

    `codes_of` gets the blocks [positions, blocks, 32] and their scales [positions, blocks, 1] before these are stored.
    """

    def fault(x: Floats, form: Format) -> Activations:
        parts = x.reshape(len(x), -1, 32)
        scale = np.abs(parts).max(axis=-1, keepdims=True) / _F32(127)
        codes = codes_of(parts, scale)
        stored = scale.astype(np.float16).astype(_F32) if narrow else scale
        values = (codes * stored.astype(np.float64)).reshape(x.shape)
        sums = (scale[..., 0] * codes.sum(axis=-1, dtype=_F32)).astype(np.float16).astype(np.float64)
        return Activations(values, sums if form.minima else None)

    return fault


def _to_even(parts: Floats, _scale: Floats) -> Floats:
    """As it should be."""
    codes: Floats = np.rint(parts * (_F32(127) / np.abs(parts).max(axis=-1, keepdims=True)))
    return codes


def _sums_not_stored(x: Floats, _form: Format) -> NDArray[np.float64]:
    """`d * sum(codes)` kept in float32."""
    codes = round_to_q8_1(x).codes
    scale = np.abs(x.reshape(codes.shape)).max(axis=-1) / _F32(127)
    sums: Floats = scale * codes.sum(axis=-1, dtype=np.int32).astype(_F32)
    return sums.astype(np.float64)


def _sums_of_activations(x: Floats, form: Format) -> NDArray[np.float64]:
    """The sum of a group before it is rounded."""
    sums = _groups(x.astype(np.float64), form)
    if sums is None:
        raise ValueError("planted in a format that has no minima")
    return sums


def _q8_k(size: int, code: int, *, narrow: bool = False) -> Rounding:
    """Q8_K with another block size, another code for the greatest number, or its scale kept in float16."""

    def fault(x: Floats, form: Format) -> Activations:
        parts = x.reshape(len(x), -1, size)
        greatest = np.take_along_axis(parts, np.abs(parts).argmax(axis=-1)[..., None], axis=-1)
        inverse = _F32(code) / greatest
        scale = _F32(1) / inverse
        scale = scale.astype(np.float16).astype(_F32) if narrow else scale
        values = (np.minimum(np.rint(inverse * parts), 127) * scale.astype(np.float64)).reshape(x.shape)
        return Activations(values, _groups(values, form))

    return fault


def _towards_zero(x: Floats, form: Format) -> Activations:
    """Q8_K with codes cut instead of rounded."""
    sound = round_to_q8_k(x)
    inverse = _F32(1) / sound.scales[..., None]
    codes = np.trunc(x.reshape(sound.codes.shape) * inverse)
    values = (codes * sound.scales[..., None].astype(np.float64)).reshape(x.shape)
    return Activations(values, _groups(values, form))


def _flip(at: int, mask: int) -> Callable[[Blocks], None]:
    """Some bits of one byte of the first block."""

    def change(found: Blocks) -> None:
        found[0, at] ^= mask

    return change


def _largest_up_one_ulp(raw: Blocks) -> None:
    """Of 16-bit floats, the one of greatest magnitude a step further from zero."""
    numbers = raw.view(np.uint16)
    row, column = np.unravel_index(int((numbers & np.uint16(0x7FFF)).argmax()), numbers.shape)
    numbers[row, column] += 1


def _subnormals_halved(raw: Blocks) -> None:
    """Float16 numbers below 2**-14 decoded with the exponent of the one below."""
    numbers = raw.view(np.uint16)
    subnormal = numbers & np.uint16(0x7C00) == 0
    numbers[subnormal] = (numbers[subnormal] & np.uint16(0x8000)) | (
        (numbers[subnormal] & np.uint16(0x03FF)) >> np.uint16(1)
    )


def _with_stride_of(taken: int) -> Callable[[Blocks], None]:
    """Blocks read at the distance of another type's blocks."""

    def change(found: Blocks) -> None:
        flat, nbytes = found.reshape(-1).copy(), found.shape[1]
        for index in range(len(found)):
            found[index] = flat[index * taken : index * taken + nbytes]

    return change


def _group_scale_up(found: Blocks) -> None:
    """Q6_K: one of the sixteen group scales, one more."""
    found[0, 192] = (found[0, 192].astype(np.int8) + (1 if found[0, 192] != 127 else -1)).view(np.uint8)


def _interleave(found: Blocks) -> None:
    """Q4_0: codes as if the two in a byte were neighbours, not sixteen apart."""
    codes = np.stack([found[:, 2:] & 15, found[:, 2:] >> 4], axis=-1).reshape(-1, 32)
    found[:, 2:] = codes[:, :16] | (codes[:, 16:] << 4)


def _shift_high_bits(at: int) -> Callable[[Blocks], None]:
    """Q5_0, Q5_1: the fifth bit of each code taken from its neighbour."""

    def change(found: Blocks) -> None:
        high = np.ascontiguousarray(found[:, at : at + 4]).view("<u4")
        found[:, at : at + 4] = ((high << np.uint32(1)) | (high >> np.uint32(31))).view(np.uint8)

    return change


def _zero(start: int, stop: int, mask: int = 0) -> Callable[[Blocks], None]:
    """Some bits of some bytes of every block lost; those of the mask stay."""

    def change(found: Blocks) -> None:
        found[:, start:stop] &= np.uint8(mask)

    return change


def _swap_halves(start: int, stop: int) -> Callable[[Blocks], None]:
    """The upper and the lower four bits of some bytes of every block."""

    def change(found: Blocks) -> None:
        part = found[:, start:stop]
        found[:, start:stop] = (part >> 4) | (part << 4)

    return change


_UP, _DOWN, _HEAD = "blk.1.ffn_up.weight", "blk.0.ffn_down.weight", "output.weight"


_ELEMENT = ("weight element",)
_SCATTERED = ("scattered",)  # many weights of many blocks, each off by something else: no name would say more


def _rounded(
    name: str, weights: str, fault: str, change: Rounding, *, kinds: tuple[str, ...] = ("rounding",)
) -> ArithmeticMutant:
    return ArithmeticMutant(name, fault, "qkv_matmul", 0, rounding(change), weights, kinds=kinds)


def _up(
    name: str, weights: str, fault: str, nbytes: int, change: Callable[[Blocks], None], *, kinds: tuple[str, ...]
) -> ArithmeticMutant:
    return ArithmeticMutant(name, fault, "ffn_up", 1, blocks(_UP, nbytes, change), weights, kinds=kinds)


def _down(
    name: str, weights: str, fault: str, nbytes: int, change: Callable[[Blocks], None], *, kinds: tuple[str, ...]
) -> ArithmeticMutant:
    return ArithmeticMutant(name, fault, "ffn_out", 0, blocks(_DOWN, nbytes, change), weights, kinds=kinds)


_ALL = [
    _rounded("f16-activations-kept", "F16", "activations are not rounded to float16", not_rounded, kinds=()),
    _up("f16-ulp", "F16", "the greatest weight of a matrix one float16 step off", 512, _largest_up_one_ulp, kinds=_ELEMENT),
    _rounded("bf16-activations-cut", "BF16", "activations lose their lower half instead of being rounded", _cut),
    _up("f16-subnormals-halved", "F16", "weights below 2**-14 are decoded to half of what they are", 512, _subnormals_halved, kinds=_SCATTERED),
    _up("bf16-ulp", "BF16", "the greatest weight of a matrix one bfloat16 step off", 512, _largest_up_one_ulp, kinds=_ELEMENT),
    _rounded("q8_0-scale-in-f32", "Q8_0", "the activations' scale is not rounded to float16", _scale_in_f32),
    _up("q8_0-code", "Q8_0", "one code one off", 34, _flip(2, 1), kinds=_ELEMENT),
    _rounded("q8_0-rounded-down", "Q4_0", "the activations' codes are rounded down", _eight_bit_floor),
    _up("q4_0-neighbours", "Q4_0", "the two codes of a byte taken for neighbours", 18, _interleave, kinds=_SCATTERED),
    _down("q4_0-code", "Q4_0", "one code one off", 18, _flip(2, 1), kinds=_ELEMENT),
    _up("q5_0-high-bits-shifted", "Q5_0", "the fifth bits belong to their neighbours", 22, _shift_high_bits(2), kinds=_SCATTERED),
    _down("q5_0-high-bit", "Q5_0", "the fifth bit of one code", 22, _flip(2, 1), kinds=_ELEMENT),
    _rounded("q8_1-sums-of-values", "Q4_1", "minima meet the sum of the rounded activations, not the stored one",
             _sums_by(_sums_of_values)),
    _rounded("q8_1-sums-in-f32", "Q4_1", "sums are not rounded to float16", _sums_by(_sums_not_stored)),
    _rounded("q8_1-sums-of-stored-scale", "Q4_1", "sums are made with the scale as it was stored", _sums_by(_sums_of_stored_scale)),
    _rounded("q8_1-scale-in-f32", "Q4_1", "the activations' scale is not rounded to float16", in_blocks_of_32(_to_even, narrow=False)),
    _up("q4_1-code", "Q4_1", "one code one off", 20, _flip(4, 1), kinds=_ELEMENT),
    _rounded("q8_1-sums-of-activations", "Q5_1", "minima meet the sum of activations before they are rounded",
             _sums_by(_sums_of_activations)),
    _up("q5_1-high-bits-shifted", "Q5_1", "the fifth bits belong to their neighbours", 24, _shift_high_bits(4), kinds=_SCATTERED),
    _up("q2_k-scales-for-minima", "Q2_K", "group scales and group minima change places", 84, _swap_halves(0, 16), kinds=_SCATTERED),
    _down("q2_k-code", "Q2_K", "one 2-bit code one off", 84, _flip(16, 1), kinds=_ELEMENT),
    _up("q3_k-scales-upper-bits", "Q3_K", "group scales lose their upper two bits", 110, _zero(104, 108), kinds=_SCATTERED),
    _down("q3_k-high-bit", "Q3_K", "the third bit of one code", 110, _flip(0, 1), kinds=_ELEMENT),
    _rounded("q8_k-per-32", "Q4_K", "activations get a scale for 32 of them, not for 256", _q8_k(32, -127)),
    _rounded("q8_k-128", "Q4_K", "the greatest activation becomes -128", _q8_k(256, -128), kinds=("rounding", "scattered")),
    _rounded("q8_k-scale-in-f16", "Q4_K", "the activations' scale is rounded to float16", _q8_k(256, -127, narrow=True)),
    _rounded("q8_k-sums-of-activations", "Q4_K", "minima meet the sum of activations before they are rounded",
             _sums_by(_sums_of_activations)),
    _up("q4_k-scales-upper-bits", "Q4_K", "the last four group scales lose their upper two bits", 144, _zero(4, 8, 63), kinds=_SCATTERED),
    _down("q4_k-minima-upper-bits", "Q4_K", "the last four group minima lose their upper two bits", 144, _zero(8, 12, 63), kinds=_SCATTERED),
    _up("q5_k-as-q4_k", "Q5_K", "the fifth bits are not read", 176, _zero(16, 48), kinds=_SCATTERED),
    _up("q5_k-stride", "Q5_K", "blocks are taken to be as long as those of Q4_K", 176, _with_stride_of(144), kinds=("not finite",)),
    _down("q5_k-high-bit", "Q5_K", "the fifth bit of one code", 176, _flip(16, 1), kinds=_ELEMENT),
    _rounded("q8_k-towards-zero", "Q6_K", "the activations' codes are cut, not rounded", _towards_zero),
    _up("q6_k-group-scale", "Q6_K", "one group scale one off", 210, _group_scale_up, kinds=("weight block",)),
    _down("q6_k-upper-bits-swapped", "Q6_K", "the upper two bits belong to other codes", 210, _swap_halves(128, 192), kinds=_SCATTERED),
    _down("iq4_nl-code", "IQ4_NL", "one code one off", 18, _flip(2, 1), kinds=_ELEMENT),
    _rounded("q8_k-not-rounded", "Q4_K", "activations are not rounded", not_rounded, kinds=()),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
