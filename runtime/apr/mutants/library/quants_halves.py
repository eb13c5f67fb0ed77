"""Faults of conversions to float16 and bfloat16, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.planting import mutant
from apr.mutants.library.quants_faults import cut_to_half, subnormals_halved
from apr.quant.encodings.halves import bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant
    from apr.mutants.library.quants_faults import Floats

    Halves = NDArray[np.uint16]
    Bits = NDArray[np.integer[Any]]

MUTANTS: dict[str, KernelMutant] = {}


def _bits(x: Floats) -> NDArray[np.uint32]:
    return np.ascontiguousarray(x, np.float32).view(np.uint32)


@mutant(
    "to-f16-cut", of="f32_to_f16", fault="what does not fit is cut: 255.99 becomes 255.875 and not 256", into=MUTANTS
)
def _(x: Floats) -> Halves:
    finite = np.isfinite(x) & (np.abs(x) < np.float32(65504))
    with np.errstate(all="ignore"):
        return np.where(finite, f32_to_f16(cut_to_half(np.where(finite, x, np.float32(0)))), f32_to_f16(x))


@mutant(
    "to-f16-ties-away", of="f32_to_f16", fault="a number halfway between two is rounded away from zero", into=MUTANTS
)
def _(x: Floats) -> Halves:
    bits = _bits(x)
    tie = (bits & 0x1FFF == 0x1000) & (bits >> 13 & 1 == 0) & (np.abs(x) >= np.float32(2.0**-14)) & (np.abs(x) < 65520)
    return np.asarray(f32_to_f16(x) + tie, np.uint16)


@mutant(
    "to-f16-carry-lost",
    of="f32_to_f16",
    fault="a carry out of the fraction does not reach the exponent: 255.99 becomes 128",
    into=MUTANTS,
)
def _(x: Floats) -> Halves:
    sound = f32_to_f16(x)
    bits = _bits(x)
    cut = (bits >> 13 & 0x3FF) == 0x3FF
    carried = cut & (sound & 0x3FF == 0) & (np.abs(x) >= np.float32(2.0**-14)) & (np.abs(x) < 65504)
    return np.where(carried, sound - 0x400, sound).astype(np.uint16)


@mutant("to-f16-subnormals-flushed", of="f32_to_f16", fault="numbers below 2**-14 become zero", into=MUTANTS)
def _(x: Floats) -> Halves:
    sound = f32_to_f16(x)
    return np.where(sound & 0x7C00 == 0, sound & 0x8000, sound).astype(np.uint16)


@mutant(
    "to-f16-subnormals-halved",
    of="f32_to_f16",
    fault="numbers below 2**-14 are shifted by one bit too many",
    into=MUTANTS,
)
def _(x: Floats) -> Halves:
    return f32_to_f16(subnormals_halved(x))


@mutant("to-f16-subnormals-cut", of="f32_to_f16", fault="what is shifted out of a subnormal is dropped", into=MUTANTS)
def _(x: Floats) -> Halves:
    small = np.abs(x) < np.float32(2.0**-14)
    return np.where(small, f32_to_f16(cut_to_half(np.where(small, x, np.float32(0)))), f32_to_f16(x))


@mutant("to-f16-saturates", of="f32_to_f16", fault="what is too great becomes 65504", into=MUTANTS)
def _(x: Floats) -> Halves:
    sound = f32_to_f16(x)
    return np.where(sound & 0x7FFF == 0x7C00, sound - 1, sound).astype(np.uint16)


@mutant(
    "to-f16-overflow-from-65504",
    of="f32_to_f16",
    fault="everything above 65504 is infinite, what should round down to it too",
    into=MUTANTS,
)
def _(x: Floats) -> Halves:
    above = np.abs(x) > np.float32(65504)
    return np.where(above, f32_to_f16(np.copysign(np.float32(np.inf), x)), f32_to_f16(x)).astype(np.uint16)


@mutant(
    "to-f16-nan-as-infinity",
    of="f32_to_f16",
    fault="a NaN whose upper bits of the fraction are 0 becomes infinite",
    into=MUTANTS,
)
def _(x: Floats) -> Halves:
    bits = _bits(x)
    sound = f32_to_f16(x)
    return np.where(np.isnan(x), bits >> 16 & 0x8000 | 0x7C00 | bits >> 13 & 0x3FF, sound).astype(np.uint16)


@mutant("to-f16-sign-of-zero-lost", of="f32_to_f16", fault="-0 and what is rounded to it lose their sign", into=MUTANTS)
def _(x: Floats) -> Halves:
    sound = f32_to_f16(x)
    return np.where(sound == 0x8000, 0, sound).astype(np.uint16)


@mutant(
    "from-f16-subnormals-halved",
    of="f16_to_f32",
    fault="subnormals are read with the exponent of 0 instead of 1",
    into=MUTANTS,
)
def _(h: Bits) -> Floats:
    return subnormals_halved(f16_to_f32(h))


@mutant(
    "from-f16-by-bias-alone",
    of="f16_to_f32",
    fault="112 is added to every exponent, of subnormals and infinities too",
    into=MUTANTS,
)
def _(h: Bits) -> Floats:
    bits = np.asarray(h).astype(np.uint32)
    return ((bits & 0x8000) << 16 | (bits >> 10 & 31) + 112 << 23 | (bits & 0x3FF) << 13).view(np.float32)


@mutant("from-f16-infinity-as-65536", of="f16_to_f32", fault="exponent 31 is one like the others", into=MUTANTS)
def _(h: Bits) -> Floats:
    bits = np.asarray(h).astype(np.uint32)
    made = (bits & 0x8000) << 16 | (bits >> 10 & 31) + 112 << 23 | (bits & 0x3FF) << 13
    return np.where(bits >> 10 & 31 == 31, made.view(np.float32), f16_to_f32(h))


@mutant("from-f16-without-sign", of="f16_to_f32", fault="the sign bit is masked off", into=MUTANTS)
def _(h: Bits) -> Floats:
    return f16_to_f32(np.asarray(h) & 0x7FFF)


@mutant("to-bf16-cut", of="f32_to_bf16", fault="the lower half is dropped", into=MUTANTS)
def _(x: Floats) -> Halves:
    bits = _bits(x)
    return np.where(np.isnan(x), f32_to_bf16(x), bits >> 16).astype(np.uint16)


@mutant(
    "to-bf16-ties-away",
    of="f32_to_bf16",
    fault="a half is added before the lower half is dropped: ties go away from zero",
    into=MUTANTS,
)
def _(x: Floats) -> Halves:
    rounded = _bits(x).astype(np.uint64) + 0x8000 >> 16
    return np.where(np.isnan(x), f32_to_bf16(x), rounded).astype(np.uint16)


@mutant(
    "to-bf16-nan-rounded",
    of="f32_to_bf16",
    fault="a NaN is rounded like a number: its carry makes it -0, or its low bits infinite",
    into=MUTANTS,
)
def _(x: Floats) -> Halves:
    bits = _bits(x)
    with np.errstate(over="ignore"):
        return (bits + np.uint32(0x7FFF) + (bits >> 16 & 1) >> 16).astype(np.uint16)


@mutant(
    "to-bf16-nan-cut",
    of="f32_to_bf16",
    fault="a NaN is cut: one that carries low bits alone becomes infinite",
    into=MUTANTS,
)
def _(x: Floats) -> Halves:
    return np.where(np.isnan(x), _bits(x) >> 16, f32_to_bf16(x)).astype(np.uint16)


@mutant("to-bf16-subnormals-flushed", of="f32_to_bf16", fault="subnormals become zero", into=MUTANTS)
def _(x: Floats) -> Halves:
    sound = f32_to_bf16(x)
    return np.where(sound & 0x7F80 == 0, sound & 0x8000, sound).astype(np.uint16)


@mutant(
    "to-bf16-saturates", of="f32_to_bf16", fault="what is too great becomes the greatest finite number", into=MUTANTS
)
def _(x: Floats) -> Halves:
    sound = f32_to_bf16(x)
    return np.where(np.isfinite(x) & (sound & 0x7FFF == 0x7F80), sound - 1, sound).astype(np.uint16)


@mutant("to-bf16-by-float16", of="f32_to_bf16", fault="the way leads through float16", into=MUTANTS)
def _(x: Floats) -> Halves:
    return f32_to_bf16(f16_to_f32(f32_to_f16(x)))


@mutant("from-bf16-in-the-lower-half", of="bf16_to_f32", fault="the bits are put into the lower half", into=MUTANTS)
def _(h: Bits) -> Floats:
    return np.asarray(h).astype(np.uint32).view(np.float32)


@mutant("from-bf16-as-float16", of="bf16_to_f32", fault="the bits are taken for those of float16", into=MUTANTS)
def _(h: Bits) -> Floats:
    return f16_to_f32(h)


@mutant("from-bf16-subnormals-flushed", of="bf16_to_f32", fault="subnormals are read as zero", into=MUTANTS)
def _(h: Bits) -> Floats:
    sound = bf16_to_f32(h)
    return np.where(np.asarray(h) & 0x7F80 == 0, np.copysign(np.float32(0), sound), sound)
