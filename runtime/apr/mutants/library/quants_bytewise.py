"""Faults of Q8_0 and Q8_K."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.library.planting import mutant
from apr.mutants.library.quants_faults import bytes_changed, cut_to_half, halves_as, largest_of_row, subnormals_halved
from apr.quant.encodings.bytewise import dequantize_q8_0, dequantize_q8_k, half_away, quantize_q8_k
from apr.quant.encodings.rows import half_bytes, inverse, joined, largest, number_blocks, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.mutants.library.planting import KernelMutant
    from apr.mutants.library.quants_faults import Bytes, Floats

MUTANTS: dict[str, KernelMutant] = {}


def _parts(x: Floats, divisor: float = 127) -> tuple[Floats, Floats]:
    blocks = number_blocks(x, 32)
    return blocks, np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(divisor)


def _packed(scale: Floats, codes: Floats) -> Bytes:
    return joined(half_bytes(scale), np.clip(codes, -128, 127).astype(np.int8).view(np.uint8))


def _q8_k(blocks: Floats, scale: Floats, whole: Callable[[Floats], Floats]) -> Bytes:
    codes = np.clip(whole(blocks * inverse(scale)), -127, 127).astype(np.int8)
    sums = codes.reshape(*codes.shape[:-1], 16, 16).sum(axis=-1, dtype=np.int16)
    return joined(np.ascontiguousarray(scale).view(np.uint8), codes.view(np.uint8), sums.astype("<i2").view(np.uint8))


@mutant("q8_0-codes-unsigned", of="dequantize_q8_0", fault="codes are read as bytes from 0 to 255", into=MUTANTS)
def _(raw: Bytes) -> Floats:
    blocks = raw.reshape(*raw.shape[:-1], -1, 34)
    low = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    with np.errstate(all="ignore"):
        return (low * blocks[..., 2:].astype(np.float32)).reshape(*raw.shape[:-1], -1)


@mutant(
    "q8_0-scale-behind-codes",
    of="dequantize_q8_0",
    fault="the scale is read from the last two bytes of a block",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    return dequantize_q8_0(
        bytes_changed(raw, 34, lambda blocks: blocks.__setitem__(slice(None), np.roll(blocks, 2, -1)))
    )


@mutant(
    "q8_0-subnormal-scales-halved",
    of="dequantize_q8_0",
    fault="a float16 scale below 2**-14 is read as half of what it is",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    return dequantize_q8_0(halves_as(raw, 34, (0,), subnormals_halved))


@mutant("q8_0-product-in-float16", of="dequantize_q8_0", fault="scale times code is kept in float16", into=MUTANTS)
def _(raw: Bytes) -> Floats:
    return stored(dequantize_q8_0(raw))


@mutant(
    "q8_0-ties-to-even",
    of="quantize_q8_0",
    fault="quotients are rounded half to even, as CPU kernels round activations",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    blocks, scale = _parts(x)
    return _packed(scale, np.rint(blocks * inverse(scale)))


@mutant("q8_0-codes-cut", of="quantize_q8_0", fault="quotients are cut instead of rounded", into=MUTANTS)
def _(x: Floats) -> Bytes:
    blocks, scale = _parts(x)
    return _packed(scale, np.trunc(blocks * inverse(scale)))


@mutant(
    "q8_0-halves-rounded-up", of="quantize_q8_0", fault="floor(x + 1/2): halves go up, whatever the sign", into=MUTANTS
)
def _(x: Floats) -> Bytes:
    blocks, scale = _parts(x)
    return _packed(scale, np.floor(blocks * inverse(scale) + np.float32(0.5)))


@mutant(
    "q8_0-over-128",
    of="quantize_q8_0",
    fault="the greatest magnitude over 128: a positive one has no code",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    blocks, scale = _parts(x, 128)
    return _packed(scale, half_away(blocks * inverse(scale)))


@mutant(
    "q8_0-signed-scale",
    of="quantize_q8_0",
    fault="the greatest number becomes -127, as in Q8_K: other bytes for the same numbers",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    blocks, scale = _parts(x)
    scale = np.where(largest(blocks) > 0, -scale, scale)
    return _packed(scale, half_away(blocks * inverse(scale)))


@mutant(
    "q8_0-greatest-without-sign",
    of="quantize_q8_0",
    fault="the greatest number, not the greatest magnitude, sets the scale",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    blocks = number_blocks(x, 32)
    scale = blocks.max(axis=-1, keepdims=True) / np.float32(127)
    return _packed(scale, half_away(blocks * inverse(scale)))


@mutant("q8_0-scale-cut", of="quantize_q8_0", fault="the scale is cut to float16 instead of rounded", into=MUTANTS)
def _(x: Floats) -> Bytes:
    blocks, scale = _parts(x)
    return _packed(cut_to_half(scale), half_away(blocks * inverse(scale)))


@mutant(
    "q8_0-row-scale",
    of="quantize_q8_0",
    fault="the greatest number of a row, not of a block, sets the scale",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    blocks = number_blocks(x, 32)
    scale: Floats = np.asarray(np.abs(largest_of_row(blocks)) / np.float32(127), np.float32)
    return _packed(scale, half_away(blocks * inverse(scale)))


@mutant(
    "q8_k-scale-in-float16",
    of="quantize_q8_k",
    fault="the scale is rounded to float16 before it is stored",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    def store(blocks: Bytes) -> None:
        blocks[:, :4] = stored(np.ascontiguousarray(blocks[:, :4]).view("<f4")).view(np.uint8)

    return bytes_changed(quantize_q8_k(x), 292, store)


@mutant(
    "q8_k-greatest-positive",
    of="quantize_q8_k",
    fault="the greatest magnitude becomes 127: the same numbers from other codes",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    def turn(blocks: Bytes) -> None:
        scale = np.ascontiguousarray(blocks[:, :4]).view("<f4")
        negative = scale[:, 0] < 0
        codes, sums = (
            np.ascontiguousarray(blocks[:, 4:260]).view(np.int8),
            np.ascontiguousarray(blocks[:, 260:]).view("<i2"),
        )
        blocks[negative, :4] = np.abs(scale[negative]).view(np.uint8)
        blocks[negative, 4:260] = (-codes[negative]).view(np.uint8)
        blocks[negative, 260:] = (-sums[negative]).view(np.uint8)

    return bytes_changed(quantize_q8_k(x), 292, turn)


@mutant("q8_k-codes-cut", of="quantize_q8_k", fault="quotients are cut instead of rounded", into=MUTANTS)
def _(x: Floats) -> Bytes:
    blocks = number_blocks(x, 256)
    return _q8_k(blocks, largest(blocks) / np.float32(-127), np.trunc)


@mutant(
    "q8_k-sums-of-32",
    of="quantize_q8_k",
    fault="sums of 32 codes each, eight of them, and the rest left 0",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    def add(blocks: Bytes) -> None:
        sums = np.ascontiguousarray(blocks[:, 260:]).view("<i2")
        pairs = np.concatenate([sums[:, ::2] + sums[:, 1::2], np.zeros_like(sums[:, ::2])], -1)
        blocks[:, 260:] = pairs.astype("<i2").view(np.uint8)

    return bytes_changed(quantize_q8_k(x), 292, add)


@mutant("q8_k-sums-in-bytes", of="quantize_q8_k", fault="sums are added in 8 bits and wrap around", into=MUTANTS)
def _(x: Floats) -> Bytes:
    def wrap(blocks: Bytes) -> None:
        sums = np.ascontiguousarray(blocks[:, 260:]).view("<i2").astype(np.int8).astype("<i2")
        blocks[:, 260:] = sums.view(np.uint8)

    return bytes_changed(quantize_q8_k(x), 292, wrap)


@mutant(
    "q8_k-scale-of-32",
    of="quantize_q8_k",
    fault="every 32 numbers are rounded by a scale of their own, and the first one's is stored",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    def mix(blocks: Bytes) -> None:
        parts = number_blocks(x, 32).reshape(len(blocks), 8, 32)
        scale = np.abs(parts).max(axis=-1, keepdims=True) / np.float32(-127)
        codes = np.clip(np.rint(parts * inverse(scale)), -127, 127).astype(np.int8)
        blocks[:, 4:260] = codes.reshape(len(blocks), 256).view(np.uint8)

    return bytes_changed(quantize_q8_k(x), 292, mix)


@mutant(
    "q8_k-row-scale",
    of="quantize_q8_k",
    fault="the greatest number of a row, not of a block, sets the scale",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    blocks = number_blocks(x, 256)
    return _q8_k(blocks, largest_of_row(blocks) / np.float32(-127), np.rint)


@mutant(
    "q8_k-read-as-float16",
    of="dequantize_q8_k",
    fault="the scale is read as a float16, the codes two bytes early",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    blocks = raw.reshape(*raw.shape[:-1], -1, 292)
    scale = np.ascontiguousarray(blocks[..., :2]).view("<f2").astype(np.float32)
    with np.errstate(all="ignore"):
        return (scale * blocks[..., 2:258].view(np.int8).astype(np.float32)).reshape(*raw.shape[:-1], -1)


@mutant(
    "q8_k-codes-behind-sums", of="dequantize_q8_k", fault="the sums are taken to stand before the codes", into=MUTANTS
)
def _(raw: Bytes) -> Floats:
    def move(blocks: Bytes) -> None:
        blocks[:, 4:260] = np.array(blocks[:, 36:292])

    return dequantize_q8_k(bytes_changed(raw, 292, move))


@mutant(
    "q8_0-scale-as-float32",
    of="quantize_q8_0",
    fault="the scale takes four bytes: 36 for a block, not 34",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    blocks, scale = _parts(x)
    codes = np.clip(half_away(blocks * inverse(scale)), -127, 127).astype(np.int8)
    return joined(np.ascontiguousarray(scale).view(np.uint8), codes.view(np.uint8))
