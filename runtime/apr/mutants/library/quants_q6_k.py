"""Faults of Q6_K."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.library.planting import mutant
from apr.mutants.library.quants_faults import bytes_changed, halves_as, subnormals_halved
from apr.quant.encodings.q4_k import dequantize_q4_k
from apr.quant.encodings.q6_k import dequantize_q6_k, quantize_q6_k, split_codes
from apr.quant.encodings.rows import half_bytes, inverse, joined, largest, number_blocks, stored

if TYPE_CHECKING:
    from apr.mutants.library.planting import KernelMutant
    from apr.mutants.library.quants_faults import Bytes, Floats

MUTANTS: dict[str, KernelMutant] = {}


@mutant(
    "q6_k-scales-unsigned", of="dequantize_q6_k", fault="group scales are read as bytes from 0 to 255", into=MUTANTS
)
def _(raw: Bytes) -> Floats:
    signs = np.repeat(np.where(raw.reshape(-1, 210)[:, 192:208] > 127, -1, 1), 16, axis=-1)
    sizes = np.repeat(raw.reshape(-1, 210)[:, 192:208], 16, axis=-1).astype(np.float32)
    with np.errstate(all="ignore"):
        magnitudes = sizes / np.where(sizes > 127, 256 - sizes, np.where(sizes == 0, 1, sizes))
        wrong: Floats = np.asarray(dequantize_q6_k(raw).reshape(-1, 256) * signs * magnitudes, np.float32)
        return wrong.reshape(*raw.shape[:-1], -1)


@mutant(
    "q6_k-planes-swapped",
    of="dequantize_q6_k",
    fault="bits 2-3 and 4-5 of the upper plane are exchanged",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def swap(blocks: Bytes) -> None:
        upper = blocks[:, 128:192]
        blocks[:, 128:192] = upper & 0xC3 | (upper & 0x0C) << 2 | (upper & 0x30) >> 2

    return dequantize_q6_k(bytes_changed(raw, 210, swap))


@mutant(
    "q6_k-lower-bits-by-32",
    of="dequantize_q6_k",
    fault="lower bits of 32 bytes make 64 numbers in a row, as in Q4_K",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def deal(blocks: Bytes) -> None:
        lower = np.concatenate([blocks[:, :128].reshape(-1, 4, 32) & 15, blocks[:, :128].reshape(-1, 4, 32) >> 4], -1)
        upper = (blocks[:, 128:192].reshape(-1, 2, 1, 32) >> np.array([0, 2, 4, 6], np.uint8)[:, None] & 3).reshape(
            -1, 256
        )
        made, _ = split_codes((lower.reshape(-1, 256) | upper << 4).astype(np.uint8))
        blocks[:, :128] = made

    return dequantize_q6_k(bytes_changed(raw, 210, deal))


@mutant("q6_k-without-offset", of="dequantize_q6_k", fault="nothing is taken from codes", into=MUTANTS)
def _(raw: Bytes) -> Floats:
    blocks = raw.reshape(-1, 210)
    bare = np.zeros_like(blocks)
    bare[:, 192:] = blocks[:, 192:]
    with np.errstate(all="ignore"):
        return dequantize_q6_k(raw) - dequantize_q6_k(bare).reshape(*raw.shape[:-1], -1)


@mutant(
    "q6_k-scale-in-front",
    of="dequantize_q6_k",
    fault="d is read from the first two bytes, where Q4_K has it",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    def move(blocks: Bytes) -> None:
        blocks[:, 208:] = blocks[:, :2]

    return dequantize_q6_k(bytes_changed(raw, 210, move))


@mutant(
    "q6_k-read-as-q4_k",
    of="dequantize_q6_k",
    fault="the routine of Q4_K on the first 144 bytes, as a wrong kernel of an expert did",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    return dequantize_q4_k(np.ascontiguousarray(raw.reshape(-1, 210)[:, :144])).reshape(*raw.shape[:-1], -1)


@mutant(
    "q6_k-subnormals-halved", of="dequantize_q6_k", fault="d below 2**-14 is read as half of what it is", into=MUTANTS
)
def _(raw: Bytes) -> Floats:
    return dequantize_q6_k(halves_as(raw, 210, (208,), subnormals_halved))


@mutant(
    "q6_k-group-scale-in-float16",
    of="dequantize_q6_k",
    fault="d times the group's scale is kept in float16",
    into=MUTANTS,
)
def _(raw: Bytes) -> Floats:
    blocks = raw.reshape(-1, 210)
    bare = np.zeros_like(blocks)
    bare[:, 192:] = blocks[:, 192:]
    with np.errstate(all="ignore"):
        exact = dequantize_q6_k(bare) / np.float32(-32)
        return (dequantize_q6_k(raw).reshape(exact.shape) * (stored(exact) / exact)).reshape(*raw.shape[:-1], -1)


def _encoded(x: Floats, scales: Floats) -> Bytes:
    """Blocks made of [blocks, 16] scales of groups."""
    shape = (*x.shape[:-1], x.shape[-1] // 256)
    scale = largest(scales) / np.float32(-128)
    kept = np.clip(np.rint(scales * inverse(scale)), -128, 127).astype(np.int8)
    step = (stored(scale) * kept.astype(np.float32))[..., None]
    codes = np.clip(np.rint(x.reshape(-1, 16, 16) * inverse(step)), -32, 31) + 32
    lower, upper = split_codes(codes.reshape(-1, 256).astype(np.uint8))
    parts = lower, upper, kept.view(np.uint8), half_bytes(scale)
    return joined(*(part.reshape(*shape, -1) for part in parts))


@mutant(
    "q6_k-one-search-step",
    of="quantize_q6_k",
    fault="the greatest number over -32 is the scale: no other one is tried",
    into=MUTANTS,
)
def _(x: Floats) -> Bytes:
    groups = number_blocks(x, 256).reshape(-1, 16, 16)
    return _encoded(x, largest(groups)[..., 0] / np.float32(-32))


@mutant("q6_k-groups-of-32", of="quantize_q6_k", fault="two groups share a scale", into=MUTANTS)
def _(x: Floats) -> Bytes:
    pairs = largest(number_blocks(x, 256).reshape(-1, 8, 32))[..., 0] / np.float32(-32)
    return _encoded(x, np.repeat(pairs, 2, axis=-1))


@mutant("q6_k-scales-without-sign", of="quantize_q6_k", fault="signs of group scales are lost", into=MUTANTS)
def _(x: Floats) -> Bytes:
    def lose(blocks: Bytes) -> None:
        kept = np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(np.int16)
        blocks[:, 192:208] = np.minimum(np.abs(kept), 127).astype(np.int8).view(np.uint8)

    return bytes_changed(quantize_q6_k(x), 210, lose)


@mutant("q6_k-codes-cut", of="quantize_q6_k", fault="codes are cut towards zero instead of rounded", into=MUTANTS)
def _(x: Floats) -> Bytes:
    raw = quantize_q6_k(x)
    blocks = raw.reshape(-1, 210)
    head = np.ascontiguousarray(blocks[:, 208:]).view("<f2").astype(np.float32)
    step = (head * np.ascontiguousarray(blocks[:, 192:208]).view(np.int8).astype(np.float32))[..., None]
    codes = np.clip(np.trunc(x.reshape(-1, 16, 16) * inverse(step)), -32, 31) + 32
    lower, upper = split_codes(codes.reshape(-1, 256).astype(np.uint8))
    return joined(lower[:, None], upper[:, None], blocks[:, None, 192:]).reshape(raw.shape)


@mutant("q6_k-top-code-lost", of="quantize_q6_k", fault="codes are kept within -31 and 31", into=MUTANTS)
def _(x: Floats) -> Bytes:
    groups = number_blocks(x, 256)
    decoded = dequantize_q6_k(quantize_q6_k(x)).reshape(groups.shape)
    return quantize_q6_k(np.clip(groups, decoded.min(-1, keepdims=True) * np.float32(31 / 32), None).reshape(x.shape))


@mutant("q6_k-row-scale", of="quantize_q6_k", fault="d is that of a row's first super-block", into=MUTANTS)
def _(x: Floats) -> Bytes:
    blocks = quantize_q6_k(x).reshape(*x.shape[:-1], -1, 210).copy()
    blocks[..., 208:] = blocks[..., :1, 208:]
    return blocks.reshape(*x.shape[:-1], -1)


@mutant("q6_k-padded", of="quantize_q6_k", fault="blocks are padded to 212 bytes, a multiple of four", into=MUTANTS)
def _(x: Floats) -> Bytes:
    blocks = quantize_q6_k(x).reshape(*x.shape[:-1], -1, 210)
    return joined(blocks, np.zeros((*blocks.shape[:-1], 2), np.uint8))
