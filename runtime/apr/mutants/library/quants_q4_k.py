"""Faults of Q4_K."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.library.planting import mutant
from apr.mutants.library.quants_faults import bytes_changed, halves_as, subnormals_halved
from apr.quant.encodings.q4_k import dequantize_q4_k, pack_six_bit, quantize_q4_k, six_bit_scales
from apr.quant.encodings.rows import half_bytes, joined, low_nibbles_first, number_blocks, stored

if TYPE_CHECKING:
    from apr.mutants.library.planting import KernelMutant
    from apr.mutants.library.quants_faults import Bytes, Floats

MUTANTS: dict[str, KernelMutant] = {}


@mutant(
    "q4_k-scales-without-upper-bits",
    of="dequantize_q4_k",
    fault="scales 4 to 7 are read without their upper two bits",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def drop(blocks: Bytes) -> None:
        blocks[:, 4:8] &= 63

    return dequantize_q4_k(bytes_changed(raw, 144, drop))


@mutant(
    "q4_k-scales-and-minima-exchanged",
    of="dequantize_q4_k",
    fault="scales 4 to 7 are read from upper nibbles, minima from lower ones",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def swap(blocks: Bytes) -> None:
        blocks[:, 12:16] = blocks[:, 12:16] >> 4 | blocks[:, 12:16] << 4

    return dequantize_q4_k(bytes_changed(raw, 144, swap))


@mutant(
    "q4_k-chunks-of-32", of="dequantize_q4_k", fault="nibbles of 16 bytes make a group of 32, as in Q4_0", into=MUTANTS
)
def _(raw: Bytes) -> Floats:
    def deal(blocks: Bytes) -> None:
        codes = low_nibbles_first(np.concatenate([blocks[:, 16:] & 15, blocks[:, 16:] >> 4], -1).reshape(-1, 2, 8, 16))
        pairs = np.swapaxes(np.stack([blocks[:, 16:] & 15, blocks[:, 16:] >> 4], 1).reshape(-1, 2, 8, 16), 1, 2)
        blocks[:, 16:] = low_nibbles_first(pairs.reshape(-1, 4, 64)).reshape(codes.shape[0], 128)

    return dequantize_q4_k(bytes_changed(raw, 144, deal))


@mutant("q4_k-minimum-added", of="dequantize_q4_k", fault="minima are added, as in Q4_1", into=MUTANTS)
def _(raw: Bytes) -> Floats:
    return dequantize_q4_k(halves_as(raw, 144, (2,), np.negative))


@mutant(
    "q4_k-subnormals-halved",
    of="dequantize_q4_k",
    fault="d or dmin below 2**-14 is read as half of what it is",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    return dequantize_q4_k(halves_as(raw, 144, (0, 2), subnormals_halved))


@mutant(
    "q4_k-minimum-in-float16",
    of="dequantize_q4_k",
    fault="dmin times minimum is kept in float16 before it is subtracted",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    steps = dequantize_q4_k(halves_as(raw, 144, (2,), np.zeros_like))

    def bare(blocks: Bytes) -> None:
        blocks[:, 16:] = 0

    below = stored(-dequantize_q4_k(bytes_changed(raw, 144, bare)))
    with np.errstate(all="ignore"):
        return steps - below


@mutant(
    "q4_k-one-search-step",
    of="quantize_q4_k",
    fault="the range over 15 is the scale: no other one is tried",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    groups = number_blocks(x, 256).reshape(-1, 8, 32)
    low, high = np.minimum(groups.min(axis=-1), np.float32(0)), groups.max(axis=-1)
    return _encoded(x, (high - low) / np.float32(15), -low)


def _encoded(x: Floats, scales: Floats, minima: Floats) -> Bytes:
    """Blocks made of [blocks, 8] scales and minima; groups without a scale get code 0."""
    shape = (*x.shape[:-1], x.shape[-1] // 256)
    with np.errstate(all="ignore"):
        scale, minimum = scales.max(-1, keepdims=True) / np.float32(63), minima.max(-1, keepdims=True) / np.float32(63)
        ls = np.where(scale > 0, np.clip(np.rint(scales / scale), 0, 63), 0).astype(np.uint8)
        lm = np.where(minimum > 0, np.clip(np.rint(minima / minimum), 0, 63), 0).astype(np.uint8)
        step, below = (stored(scale) * ls)[..., None], (stored(minimum) * lm)[..., None]
        codes = np.where(step > 0, np.clip(np.rint((x.reshape(-1, 8, 32) + below) / step), 0, 15), 0).astype(np.uint8)
    chunks = low_nibbles_first(codes.reshape(-1, 4, 64)).reshape(-1, 128)
    parts = half_bytes(scale), half_bytes(minimum), pack_six_bit(ls, lm), chunks
    return joined(*(part.reshape(*shape, -1) for part in parts))


@mutant(
    "q4_k-minimum-can-be-positive",
    of="quantize_q4_k",
    fault="a minimum above zero is stored as its negative's code",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    groups = number_blocks(x, 256).reshape(-1, 8, 32)
    low, high = groups.min(axis=-1), groups.max(axis=-1)
    return _encoded(x, (high - low) / np.float32(15), np.abs(low))


@mutant(
    "q4_k-codes-not-taken-again",
    of="quantize_q4_k",
    fault="codes are taken by the scale of the group before it is rounded to 6 bits, a step of 1/63 later",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    def keep(blocks: Bytes) -> None:
        groups = x.reshape(-1, 8, 32)
        low, high = np.minimum(groups.min(axis=-1, keepdims=True), np.float32(0)), groups.max(axis=-1, keepdims=True)
        step = (high - low) / np.float32(15)
        with np.errstate(all="ignore"):
            codes = np.where(step > 0, np.clip(np.rint((groups - low) / step), 0, 15), 0).astype(np.uint8)
        blocks[:, 16:] = low_nibbles_first(codes.reshape(-1, 4, 64)).reshape(-1, 128)

    return bytes_changed(quantize_q4_k(x), 144, keep)


@mutant(
    "q4_k-scales-cut", of="quantize_q4_k", fault="scales of groups are cut to 6 bits instead of rounded", into=MUTANTS
)
def _(x: Floats) -> Bytes:
    def lower(blocks: Bytes) -> None:
        scales = six_bit_scales(blocks[:, 4:16])
        smaller = np.where((scales > 0) & (scales < 63), scales - 1, scales).astype(np.uint8)
        blocks[:, 4:8] = blocks[:, 4:8] & 0 | smaller[:, :4] | smaller[:, 4:] >> 4 << 6
        blocks[:, 12:16] = blocks[:, 12:16] & 0xF0 | smaller[:, 4:] & 15

    return bytes_changed(quantize_q4_k(x), 144, lower)


@mutant("q4_k-codes-cut", of="quantize_q4_k", fault="codes are cut instead of rounded", into=MUTANTS)
def _(x: Floats) -> Bytes:
    raw = quantize_q4_k(x)
    shape = (-1, 8, 32)

    def lower(blocks: Bytes) -> None:
        decoded = dequantize_q4_k(blocks).reshape(shape)
        pairs = np.stack([blocks[:, 16:].reshape(-1, 4, 32) & 15, blocks[:, 16:].reshape(-1, 4, 32) >> 4], 2)
        codes = pairs.reshape(shape)
        cut = np.where((decoded > x.reshape(shape)) & (codes > 0), codes - 1, codes).astype(np.uint8)
        blocks[:, 16:] = low_nibbles_first(cut.reshape(-1, 4, 64)).reshape(-1, 128)

    return bytes_changed(raw, 144, lower)


@mutant(
    "q4_k-one-scale-for-all-groups",
    of="quantize_q4_k",
    fault="the greatest scale and minimum of a super-block serve all its groups",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    groups = number_blocks(x, 256).reshape(-1, 8, 32)
    low, high = np.minimum(groups.min(axis=(1, 2)), np.float32(0)), groups.max(axis=(1, 2))
    ones = np.ones(8, np.float32)
    return _encoded(x, ((high - low) / np.float32(15))[:, None] * ones, -low[:, None] * ones)


@mutant("q4_k-row-scale", of="quantize_q4_k", fault="d and dmin are those of a row's first super-block", into=MUTANTS)
def _(x: Floats) -> Bytes:
    blocks = quantize_q4_k(x).reshape(*x.shape[:-1], -1, 144).copy()
    blocks[..., :4] = blocks[..., :1, :4]
    return blocks.reshape(*x.shape[:-1], -1)
