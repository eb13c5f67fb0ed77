"""Faults of the rounding of activations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.kernels.quants_activations import round_activations_q8_0, round_activations_q8_1, round_activations_q8_k
from apr.mutants.library.planting import mutant
from apr.quant.encodings.rows import number_blocks, stored

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant
    from apr.mutants.library.quants_faults import Floats

    Codes = NDArray[np.int8]

MUTANTS: dict[str, KernelMutant] = {}


def _rounded(blocks: Floats, scale: Floats) -> Codes:
    with np.errstate(all="ignore"):
        return np.clip(np.rint(np.where(scale != 0, blocks / scale, np.float32(0))), -128, 127).astype(np.int8)


@mutant(
    "activations-q8_0-in-256", of="round_activations_q8_0", fault="256 numbers share a scale, as in Q8_K", into=MUTANTS
)
def _(x: Floats) -> tuple[Codes, Floats]:
    blocks = number_blocks(x, 256)
    scale = stored(np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(127))
    codes = _rounded(blocks, scale).reshape(*x.shape[:-1], -1, 32)
    return codes, np.repeat(scale, 8, axis=-2)


@mutant("activations-q8_0-cut", of="round_activations_q8_0", fault="quotients are cut instead of rounded", into=MUTANTS)
def _(x: Floats) -> tuple[Codes, Floats]:
    blocks, (_, scale) = number_blocks(x, 32), round_activations_q8_0(x)
    with np.errstate(all="ignore"):
        return np.trunc(np.where(scale > 0, blocks / scale, 0)).clip(-127, 127).astype(np.int8), scale


@mutant("activations-q8_0-scale-in-f32", of="round_activations_q8_0", fault="the scale stays float32", into=MUTANTS)
def _(x: Floats) -> tuple[Codes, Floats]:
    codes, _ = round_activations_q8_0(x)
    return codes, np.abs(number_blocks(x, 32)).max(axis=-1, keepdims=True) / np.float32(127)


@mutant(
    "activations-q8_0-over-128",
    of="round_activations_q8_0",
    fault="the greatest magnitude over 128: a positive one has no code",
    into=MUTANTS,
)
def _(x: Floats) -> tuple[Codes, Floats]:
    blocks = number_blocks(x, 32)
    scale = stored(np.abs(blocks).max(axis=-1, keepdims=True) / np.float32(128))
    return _rounded(blocks, scale), scale


@mutant(
    "activations-q8_1-sum-of-activations",
    of="round_activations_q8_1",
    fault="what is summed is the activations before they are rounded",
    into=MUTANTS,
)
def _(x: Floats) -> tuple[Codes, Floats, Floats]:
    codes, scale, _ = round_activations_q8_1(x)
    return codes, scale, stored(number_blocks(x, 32).sum(axis=-1, keepdims=True))


@mutant(
    "activations-q8_1-sum-of-codes",
    of="round_activations_q8_1",
    fault="the sum of codes is not multiplied with the scale",
    into=MUTANTS,
)
def _(x: Floats) -> tuple[Codes, Floats, Floats]:
    codes, scale, _ = round_activations_q8_1(x)
    return codes, scale, codes.sum(axis=-1, keepdims=True, dtype=np.int32).astype(np.float32)


@mutant(
    "activations-q8_1-sum-in-bytes",
    of="round_activations_q8_1",
    fault="codes are summed in 8 bits and wrap around",
    into=MUTANTS,
)
def _(x: Floats) -> tuple[Codes, Floats, Floats]:
    codes, scale, _ = round_activations_q8_1(x)
    return codes, scale, stored(scale * codes.sum(axis=-1, keepdims=True, dtype=np.int8).astype(np.float32))


@mutant(
    "activations-q8_k-in-32",
    of="round_activations_q8_k",
    fault="32 numbers share a scale, and the greatest of these is given back for all 256",
    into=MUTANTS,
)
def _(x: Floats) -> tuple[Codes, Floats]:
    _, scale = round_activations_q8_k(x)
    parts = number_blocks(x, 32)
    own = np.abs(parts).max(axis=-1, keepdims=True) / np.float32(127)
    return _rounded(parts, own).reshape(*scale.shape[:-1], 256), np.abs(scale)


@mutant("activations-q8_k-cut", of="round_activations_q8_k", fault="quotients are cut instead of rounded", into=MUTANTS)
def _(x: Floats) -> tuple[Codes, Floats]:
    blocks, (_, scale) = number_blocks(x, 256), round_activations_q8_k(x)
    with np.errstate(all="ignore"):
        return np.trunc(np.where(scale != 0, blocks / scale, 0)).clip(-127, 127).astype(np.int8), scale


@mutant(
    "activations-q8_k-not-rounded",
    of="round_activations_q8_k",
    fault="activations are handed on as they are",
    into=MUTANTS,
)
def _(x: Floats) -> tuple[Floats, Floats]:
    blocks = number_blocks(x, 256)
    return blocks, np.ones((*blocks.shape[:-1], 1), np.float32)


@mutant(
    "activations-q8_k-scale-without-sign",
    of="round_activations_q8_k",
    fault="the scale loses its sign, codes keep theirs",
    into=MUTANTS,
)
def _(x: Floats) -> tuple[Codes, Floats]:
    codes, scale = round_activations_q8_k(x)
    return codes, np.abs(scale)
