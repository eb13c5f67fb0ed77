"""Faults of the functions that are held against ggml's own, bit by bit: roundings of activations, and decoders of weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apr.quant.activations import BLOCK_ROUNDINGS, PLAIN_ROUNDINGS, Rounded
from apr.quant.dequantise import by_gguf

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.quant.dequantise import Dequantiser

    Floats = NDArray[np.float32]

_F32 = np.float32


@dataclass(frozen=True)
class RoundingMutant:
    """One fault of a rounding.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage: the format that activations are rounded to; where it has to be found.
        change: the faulty rounding.
    """

    name: str
    fault: str
    stage: str
    change: Callable[[Floats], Rounded | Floats]
    layer: None = None


@dataclass(frozen=True)
class DecodingMutant:
    """One fault of a decoder.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage: the type that is decoded; where it has to be found.
        change: [rows, bytes a row] to [rows, columns], for that type.
    """

    name: str
    fault: str
    stage: str
    change: Callable[[NDArray[np.uint8]], Floats]
    layer: None = None

    def plant(self) -> Dequantiser:
        """The decoder with the fault in it."""
        return lambda raw, type_name: self.change(raw) if type_name == self.stage else by_gguf(raw, type_name)


def _as_in_c_reference(x: Floats) -> Rounded:
    """`quantize_row_q8_0_ref`: multiplied with the reciprocal of the scale, ties away from zero."""
    parts = x.reshape(len(x), -1, 32)
    scale = np.abs(parts).max(axis=-1) / _F32(127)
    with np.errstate(all="ignore"):
        scaled = parts * np.where(scale != 0, 1 / scale, _F32(0))[..., None]
        codes = np.where(np.isfinite(scaled), np.trunc(scaled + np.copysign(_F32(0.5), scaled)), 0).astype(np.int8)
        return Rounded(codes, scale.astype(np.float16).astype(_F32), None)


def _sum_by_stored_scale(x: Floats) -> Rounded:
    sound = BLOCK_ROUNDINGS["Q8_1"](x)
    with np.errstate(over="ignore", invalid="ignore"):
        sums = (sound.scales * sound.codes.sum(axis=-1, dtype=np.int32).astype(_F32)).astype(np.float16)
    return sound._replace(sums=sums.astype(_F32))


def _positive(x: Floats) -> Rounded:
    """Q8_K with `127 / amax`: the same numbers from other codes."""
    sound = BLOCK_ROUNDINGS["Q8_K"](x)
    negative = sound.scales < 0
    codes = np.where(negative[..., None], -sound.codes, sound.codes).astype(np.int8)
    return Rounded(codes, np.abs(sound.scales), None)


def _scale_by_division(x: Floats) -> Rounded:
    """Q8_K with the scale `-max / 127`, not the reciprocal of what was multiplied with."""
    sound = BLOCK_ROUNDINGS["Q8_K"](x)
    parts = x.reshape(sound.codes.shape)
    greatest = np.take_along_axis(parts, np.abs(parts).argmax(axis=-1)[..., None], axis=-1)[..., 0]
    return sound._replace(scales=greatest / _F32(-127))


def _cut_to_f16(x: Floats) -> Floats:
    """Rounded towards zero."""
    with np.errstate(over="ignore"):
        nearest = x.astype(np.float16)
    further = np.abs(nearest.astype(_F32)) > np.abs(x)
    return np.where(further, np.nextafter(nearest, np.float16(0)), nearest).astype(_F32)


def _ties_up(x: Floats) -> Floats:
    """BF16 with ties away from zero."""
    bits = x.view(np.uint32) + np.uint32(0x8000)
    return (bits & np.uint32(0xFFFF0000)).view(_F32)


def _bytes_changed(
    type_name: str, nbytes: int, change: Callable[[NDArray[np.uint8]], None]
) -> Callable[[NDArray[np.uint8]], Floats]:
    """Decodes other bytes: [blocks, bytes] changed in a copy."""

    def decode(raw: NDArray[np.uint8]) -> Floats:
        blocks = np.array(raw).reshape(-1, nbytes)
        change(blocks)
        return by_gguf(blocks.reshape(raw.shape), type_name)

    return decode


def _shift(blocks: NDArray[np.uint8]) -> None:
    high = np.ascontiguousarray(blocks[:, 2:6]).view("<u4")
    blocks[:, 2:6] = (high >> np.uint32(1)).view(np.uint8)


def _no_fifth_bits(blocks: NDArray[np.uint8]) -> None:
    blocks[:, 16:48] = 0


def _upper_bits_in_order(blocks: NDArray[np.uint8]) -> None:
    """Q3_K: the upper two bits of group scales i, i + 4, i + 8, i + 12 stand in one byte; here 4 i and the three after it."""
    packed = blocks[:, 104:108].copy()
    pairs = np.stack([packed >> shift & 3 for shift in (0, 2, 4, 6)], axis=-1)
    blocks[:, 104:108] = sum(pairs[:, n, :] << np.uint8(2 * n) for n in range(4))


def _group_scale_up(blocks: NDArray[np.uint8]) -> None:
    blocks[:, 192] += 1


def _first_code_up(at: int) -> Callable[[NDArray[np.uint8]], None]:
    def change(blocks: NDArray[np.uint8]) -> None:
        blocks[0, at] ^= 1

    return change


_ALL: list[RoundingMutant | DecodingMutant] = [
    RoundingMutant("f16-cut", "rounded towards zero", "F16", _cut_to_f16),
    RoundingMutant("bf16-ties-away", "ties away from zero", "BF16", _ties_up),
    RoundingMutant("q8_0-as-in-the-c-reference", "the reciprocal of the scale, ties away from zero", "Q8_0", _as_in_c_reference),
    RoundingMutant("q8_1-sum-by-stored-scale", "the sum from the stored scale", "Q8_1", _sum_by_stored_scale),
    RoundingMutant("q8_k-positive", "127 / amax instead of -127 / max", "Q8_K", _positive),
    RoundingMutant("q8_k-scale-by-division", "the scale is not the reciprocal", "Q8_K", _scale_by_division),
    DecodingMutant("decoded-high-bits-shifted", "fifth bits one place off", "Q5_0", _bytes_changed("Q5_0", 22, _shift)),
    DecodingMutant("decoded-q5_k-as-q4_k", "fifth bits not read", "Q5_K", _bytes_changed("Q5_K", 176, _no_fifth_bits)),
    DecodingMutant("decoded-q3_k-scales-in-order", "upper bits of group scales in another order", "Q3_K",
                   _bytes_changed("Q3_K", 110, _upper_bits_in_order)),
    DecodingMutant("decoded-q6_k-group-scale", "the first group scale one more", "Q6_K", _bytes_changed("Q6_K", 210, _group_scale_up)),
    DecodingMutant("decoded-one-code", "one code of one block one off", "Q4_K", _bytes_changed("Q4_K", 144, _first_code_up(16))),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}


def rounding_of(mutant: RoundingMutant | DecodingMutant | None, name: str) -> Callable[[Floats], Rounded | Floats]:
    """The rounding to a format, with the fault in it if it is one of that format."""
    if isinstance(mutant, RoundingMutant) and mutant.stage == name:
        return mutant.change
    return BLOCK_ROUNDINGS[name] if name in BLOCK_ROUNDINGS else PLAIN_ROUNDINGS[name]
