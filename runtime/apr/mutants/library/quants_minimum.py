"""Faults of Q4_1 and Q5_1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.library.planting import mutant
from apr.mutants.library.quants_faults import bytes_changed, cut_to_half, halves_as, subnormals_halved
from apr.quant.encodings.minimum import dequantize_q4_1, dequantize_q5_1
from apr.quant.encodings.planes import fifth_bits
from apr.quant.encodings.rows import half_bytes, inverse, joined, low_nibbles_first, number_blocks, stored

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.mutants.library.planting import KernelMutant
    from apr.mutants.library.quants_faults import Bytes, Decode, Encode, Floats

MUTANTS: dict[str, KernelMutant] = {}


def _encoded(steps: int, scale: Floats, low: Floats, multiples: Floats, kept: Floats | None = None) -> Bytes:
    codes = np.clip(np.trunc(multiples + np.float32(0.5)), 0, steps).astype(np.uint8)
    heads = half_bytes(scale), half_bytes(low if kept is None else kept)
    if steps == 15:
        return joined(*heads, low_nibbles_first(codes))
    return joined(*heads, fifth_bits(codes), low_nibbles_first(codes & 15))


def _ends(x: Floats, size: int = 32) -> tuple[Floats, Floats, Floats]:
    blocks = number_blocks(x, size)
    return blocks, blocks.min(axis=-1, keepdims=True), blocks.max(axis=-1, keepdims=True)


@mutant(
    "q5_1-high-bits-high-first",
    of="dequantize_q5_1",
    fault="fifth bits are counted from the highest bit of each byte",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def turn(blocks: Bytes) -> None:
        blocks[:, 4:8] = np.packbits(np.unpackbits(blocks[:, 4:8], axis=-1, bitorder="little"), axis=-1)

    return dequantize_q5_1(bytes_changed(raw, 24, turn))


@mutant(
    "q5_1-high-bits-as-in-q5_0",
    of="dequantize_q5_1",
    fault="fifth bits are read behind the scale, where the minimum is",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def move(blocks: Bytes) -> None:
        blocks[:, 4:8] = blocks[:, 2:6]

    return dequantize_q5_1(bytes_changed(raw, 24, move))


@mutant(
    "q4_1-neighbours-share-a-byte",
    of="dequantize_q4_1",
    fault="numbers 2 i and 2 i + 1 are read from byte i",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    blocks = dequantize_q4_1(raw).reshape(*raw.shape[:-1], -1, 2, 16)
    return np.swapaxes(blocks, -1, -2).reshape(*raw.shape[:-1], -1)


def _enter_decoders(kind: str, size: int, dequantize: Decode) -> None:
    """The faults that decoders of both types can have."""

    def planted(name: str, fault: str) -> Callable[[Decode], Decode]:
        return mutant(f"{kind}-{name}", of=f"dequantize_{kind}", fault=fault, into=MUTANTS)

    @planted("minimum-before-scale", "the minimum is read where the scale is, and the scale where the minimum is")
    def _(raw: Bytes) -> Floats:
        def swap(blocks: Bytes) -> None:
            blocks[:, :4] = blocks[:, [2, 3, 0, 1]]

        return dequantize(bytes_changed(raw, size, swap))

    @planted(
        "minimum-subtracted",
        "the minimum is subtracted, as K-quants do",
    )
    def _(raw: Bytes) -> Floats:
        return dequantize(halves_as(raw, size, (2,), np.negative))

    @planted("subnormals-halved", "a float16 below 2**-14 is read as half of what it is")
    def _(raw: Bytes) -> Floats:
        return dequantize(halves_as(raw, size, (0, 2), subnormals_halved))

    @planted("sum-in-float16", "scale times code plus minimum is kept in float16")
    def _(raw: Bytes) -> Floats:
        return stored(dequantize(raw))


def _enter_encoders(kind: str, steps: int) -> None:
    """The faults that encoders of both types can have."""

    def planted(name: str, fault: str) -> Callable[[Encode], Encode]:
        return mutant(f"{kind}-{name}", of=f"quantize_{kind}", fault=fault, into=MUTANTS)

    @planted("codes-cut", "quotients are cut, no half is added first")
    def _(x: Floats) -> Bytes:
        blocks, low, high = _ends(x)
        scale = (high - low) / np.float32(steps)
        return _encoded(steps, scale, low, (blocks - low) * inverse(scale) - np.float32(0.5))

    @planted("one-step-too-many", f"the range over {steps + 1}, so the greatest number has no code")
    def _(x: Floats) -> Bytes:
        blocks, low, high = _ends(x)
        scale = (high - low) / np.float32(steps + 1)
        return _encoded(steps, scale, low, (blocks - low) * inverse(scale))

    @planted("by-stored-scale", "quotients are taken by the scale after it was rounded to float16")
    def _(x: Floats) -> Bytes:
        blocks, low, high = _ends(x)
        scale = (high - low) / np.float32(steps)
        return _encoded(steps, scale, low, (blocks - low) * inverse(stored(scale)))

    @planted("minimum-cut", "the minimum is cut to float16 instead of rounded")
    def _(x: Floats) -> Bytes:
        blocks, low, high = _ends(x)
        scale = (high - low) / np.float32(steps)
        return _encoded(steps, scale, low, (blocks - low) * inverse(scale), cut_to_half(low))

    @planted("minimum-not-above-zero", "a minimum above zero counts as zero, as in K-quants")
    def _(x: Floats) -> Bytes:
        blocks, low, high = _ends(x)
        low = np.minimum(low, np.float32(0))
        scale = (high - low) / np.float32(steps)
        return _encoded(steps, scale, low, (blocks - low) * inverse(scale))

    @planted("minimum-is-the-first", "the running minimum starts with 0 and the maximum with the first number")
    def _(x: Floats) -> Bytes:
        blocks, low, high = _ends(x)
        low = np.where(low < 0, low, blocks[..., :1])
        scale = (high - low) / np.float32(steps)
        return _encoded(steps, scale, low, (blocks - low) * inverse(scale))

    @planted("row-scale", "least and greatest number of a row, not of a block, set scale and minimum")
    def _(x: Floats) -> Bytes:
        blocks, low, high = _ends(x)
        low, high = low.min(axis=-2, keepdims=True), high.max(axis=-2, keepdims=True)
        scale = np.broadcast_to((high - low) / np.float32(steps), (*blocks.shape[:-1], 1))
        return _encoded(steps, scale, np.broadcast_to(low, scale.shape), (blocks - low) * inverse(scale))


_enter_decoders("q4_1", 20, dequantize_q4_1)
_enter_decoders("q5_1", 24, dequantize_q5_1)
_enter_encoders("q4_1", 15)
_enter_encoders("q5_1", 31)
