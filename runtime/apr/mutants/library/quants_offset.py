"""Faults of Q4_0 and Q5_0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.library.planting import mutant
from apr.mutants.library.quants_faults import (
    bytes_changed,
    cut_to_half,
    halves_as,
    largest_of_row,
    subnormals_halved,
    without_odd_scales,
)
from apr.quant.encodings.offset import dequantize_q4_0, dequantize_q5_0
from apr.quant.encodings.planes import fifth_bits
from apr.quant.encodings.rows import (
    half_at,
    half_bytes,
    inverse,
    joined,
    largest,
    low_nibbles_first,
    number_blocks,
    stored,
)

if TYPE_CHECKING:
    from apr.mutants.library.planting import KernelMutant
    from apr.mutants.library.quants_faults import Bytes, Floats

MUTANTS: dict[str, KernelMutant] = {}


def _encoded(offset: int, scale: Floats, steps: Floats, kept: Floats | None = None) -> Bytes:
    """Blocks of codes for `steps`, a scale's multiples, which are cut after the offset and a half are added."""
    codes = np.clip(np.trunc(steps + np.float32(offset + 0.5)), 0, 2 * offset - 1).astype(np.uint8)
    head = half_bytes(scale if kept is None else kept)
    if offset == 8:
        return joined(head, low_nibbles_first(codes))
    return joined(head, fifth_bits(codes), low_nibbles_first(codes & 15))


def _plain(x: Floats, offset: int, shift: float = 0, divisor: float = 0) -> Bytes:
    """The sound encoder with something added before codes are cut, or with another divisor of the greatest number."""
    blocks = number_blocks(x, 32)
    scale = largest(blocks) / np.float32(divisor or -offset)
    return _encoded(offset, scale, blocks * inverse(scale) + np.float32(shift))


@mutant(
    "q4_0-neighbours-share-a-byte",
    of="dequantize_q4_0",
    fault="numbers 2 i and 2 i + 1 are read from byte i, as AprQ4 has them",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    blocks = dequantize_q4_0(raw).reshape(*raw.shape[:-1], -1, 2, 16)
    return np.swapaxes(blocks, -1, -2).reshape(*raw.shape[:-1], -1)


@mutant(
    "q4_0-upper-nibbles-first",
    of="dequantize_q4_0",
    fault="the upper nibbles are taken for the first half of a block",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    blocks = dequantize_q4_0(raw).reshape(*raw.shape[:-1], -1, 2, 16)
    return np.flip(blocks, -2).reshape(*raw.shape[:-1], -1)


@mutant(
    "q4_0-offset-of-seven", of="dequantize_q4_0", fault="7 is taken from codes, as if they were balanced", into=MUTANTS
)
def _(raw: Bytes) -> Floats:
    blocks = raw.reshape(*raw.shape[:-1], -1, 18)
    with np.errstate(all="ignore"):
        return (dequantize_q4_0(raw).reshape(*blocks.shape[:-1], 32) + half_at(blocks, 0)).reshape(*raw.shape[:-1], -1)


@mutant(
    "q4_0-subnormal-scales-halved",
    of="dequantize_q4_0",
    fault="a float16 scale below 2**-14 is read as half of what it is",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    return dequantize_q4_0(halves_as(raw, 18, (0,), subnormals_halved))


@mutant(
    "q4_0-odd-scales-as-zero",
    of="dequantize_q4_0",
    fault="a scale that is NaN, infinite or subnormal counts as 0",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    return dequantize_q4_0(halves_as(raw, 18, (0,), without_odd_scales))


@mutant(
    "q4_0-scale-high-byte-first",
    of="dequantize_q4_0",
    fault="the two bytes of the scale are read in the other order",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def swap(blocks: Bytes) -> None:
        blocks[:, :2] = blocks[:, 1::-1]

    return dequantize_q4_0(bytes_changed(raw, 18, swap))


@mutant(
    "q5_0-high-bits-by-nibble",
    of="dequantize_q5_0",
    fault="fifth bit 2 i belongs to number i and 2 i + 1 to number i + 16",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def deal(blocks: Bytes) -> None:
        plane = np.unpackbits(blocks[:, 2:6], axis=-1, bitorder="little")
        blocks[:, 2:6] = np.packbits(np.concatenate([plane[:, ::2], plane[:, 1::2]], -1), axis=-1, bitorder="little")

    return dequantize_q5_0(bytes_changed(raw, 22, deal))


@mutant(
    "q5_0-high-bits-high-first",
    of="dequantize_q5_0",
    fault="fifth bits are counted from the highest bit of each byte",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def turn(blocks: Bytes) -> None:
        blocks[:, 2:6] = np.packbits(np.unpackbits(blocks[:, 2:6], axis=-1, bitorder="little"), axis=-1)

    return dequantize_q5_0(bytes_changed(raw, 22, turn))


@mutant(
    "q5_0-without-high-bits",
    of="dequantize_q5_0",
    fault="the routine of Q4_0 behind the plane of fifth bits",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    blocks = raw.reshape(*raw.shape[:-1], -1, 22)
    return dequantize_q4_0(np.concatenate([blocks[..., :2], blocks[..., 6:]], -1).reshape(*raw.shape[:-1], -1))


@mutant(
    "q5_0-subnormal-scales-halved",
    of="dequantize_q5_0",
    fault="a float16 scale below 2**-14 is read as half of what it is",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    return dequantize_q5_0(halves_as(raw, 22, (0,), subnormals_halved))


@mutant(
    "q5_0-odd-scales-as-zero",
    of="dequantize_q5_0",
    fault="a scale that is NaN, infinite or subnormal counts as 0",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    return dequantize_q5_0(halves_as(raw, 22, (0,), without_odd_scales))


def _enter(kind: str, offset: int) -> None:
    """The faults that both encoders can have."""
    name = f"quantize_{kind}"

    @mutant(f"{kind}-codes-cut", of=name, fault="quotients are cut, no half is added first", into=MUTANTS)
    def _(x: Floats) -> Bytes:
        return _plain(x, offset, shift=-0.5)

    @mutant(
        f"{kind}-balanced",
        of=name,
        fault=f"the greatest magnitude over {offset - 1}, so that -{offset} is never used",
        into=MUTANTS,
    )
    def _(x: Floats) -> Bytes:
        blocks = number_blocks(x, 32)
        scale = np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(offset - 1)
        return _encoded(offset, scale, blocks * inverse(scale))

    @mutant(
        f"{kind}-scale-without-sign",
        of=name,
        fault="the greatest magnitude sets the scale, its sign is lost",
        into=MUTANTS,
    )
    def _(x: Floats) -> Bytes:
        blocks = number_blocks(x, 32)
        scale = np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(offset)
        return _encoded(offset, scale, blocks * inverse(scale))

    @mutant(
        f"{kind}-by-stored-scale",
        of=name,
        fault="quotients are taken by the scale after it was rounded to float16",
        into=MUTANTS,
    )
    def _(x: Floats) -> Bytes:
        blocks = number_blocks(x, 32)
        scale = largest(blocks) / np.float32(-offset)
        return _encoded(offset, scale, blocks * inverse(stored(scale)))

    @mutant(f"{kind}-scale-cut", of=name, fault="the scale is cut to float16 instead of rounded", into=MUTANTS)
    def _(x: Floats) -> Bytes:
        blocks = number_blocks(x, 32)
        scale = largest(blocks) / np.float32(-offset)
        return _encoded(offset, scale, blocks * inverse(scale), cut_to_half(scale))

    @mutant(
        f"{kind}-steps-too-wide",
        of=name,
        fault=f"the greatest number over -{offset - 0.5}, half a step short of the end",
        into=MUTANTS,
    )
    def _(x: Floats) -> Bytes:
        return _plain(x, offset, divisor=0.5 - offset)

    @mutant(
        f"{kind}-row-scale", of=name, fault="the greatest number of a row, not of a block, sets the scale", into=MUTANTS
    )
    def _(x: Floats) -> Bytes:
        blocks = number_blocks(x, 32)
        scale = largest_of_row(blocks) / np.float32(-offset)
        return _encoded(offset, scale, blocks * inverse(scale))


_enter("q4_0", 8)
_enter("q5_0", 16)
