"""Faults of the sizes of key-value caches, and of the cache itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.kernels.shapes_cache import kv_cache_bytes, kv_cache_held, kv_cache_rows
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Whole = NDArray[np.int64]
    Floats = NDArray[np.float32]

MUTANTS: dict[str, KernelMutant] = {}


@mutant("cache-keys-alone", of="kv_cache_bytes", fault="values do not count", into=MUTANTS)
def _(positions: int, layers: int, kv_heads: int, head_dim: int, element: int) -> Whole:
    return kv_cache_bytes(positions, layers, kv_heads, head_dim, element) // 2


@mutant("cache-one-layer", of="kv_cache_bytes", fault="one layer counts", into=MUTANTS)
def _(positions: int, _layers: int, kv_heads: int, head_dim: int, element: int) -> Whole:
    return kv_cache_bytes(positions, 1, kv_heads, head_dim, element)


@mutant("cache-in-bits", of="kv_cache_bytes", fault="bits are taken for bytes", into=MUTANTS)
def _(positions: int, layers: int, kv_heads: int, head_dim: int, element: int) -> Whole:
    return kv_cache_bytes(positions, layers, kv_heads, head_dim, 8 * element)


@mutant(
    "cache-of-32-bits",
    of="kv_cache_bytes",
    fault="the product overflows 32 bits: long texts of large models",
    into=MUTANTS,
)
def _(positions: int, layers: int, kv_heads: int, head_dim: int, element: int) -> Whole:
    return kv_cache_bytes(positions, layers, kv_heads, head_dim, element).astype(np.uint32).astype(np.int64)


@mutant(
    "cache-always-float32",
    of="kv_cache_held",
    fault="keys and values are kept in float32 whatever they came in",
    into=MUTANTS,
)
def _(first: int, positions: int, layers: int, kv_heads: int, head_dim: int, _element: int) -> Whole:
    return kv_cache_held(first, positions, layers, kv_heads, head_dim, 4)


@mutant("cache-without-the-prompt", of="kv_cache_held", fault="positions of the prompt are not kept", into=MUTANTS)
def _(first: int, positions: int, layers: int, kv_heads: int, head_dim: int, element: int) -> Whole:
    return kv_cache_held(0, max(1, positions - first), layers, kv_heads, head_dim, element)


@mutant("cache-room-only", of="kv_cache_held", fault="room that is not used yet counts as held", into=MUTANTS)
def _(first: int, positions: int, layers: int, kv_heads: int, head_dim: int, element: int) -> Whole:
    return kv_cache_held(first, positions, layers, kv_heads, head_dim, element)[[1, 1]]


@mutant("cache-room-tenfold", of="kv_cache_held", fault="room grows tenfold", into=MUTANTS)
def _(first: int, positions: int, layers: int, kv_heads: int, head_dim: int, element: int) -> Whole:
    held, _ = kv_cache_held(first, positions, layers, kv_heads, head_dim, element).tolist()
    return np.asarray([held, 10 * held])


@mutant(
    "cache-grows-empty",
    of="kv_cache_rows",
    fault="what was there is lost when room grows for the first time",
    into=MUTANTS,
)
def _(x: Floats, first: int) -> Floats:
    rows = kv_cache_rows(x, first)
    if len(x) > max(16, 2 * first):
        rows[: max(16, 2 * first)] = 0
    return rows


@mutant(
    "cache-last-overwritten", of="kv_cache_rows", fault="each position is written over the one before it", into=MUTANTS
)
def _(x: Floats, first: int) -> Floats:
    return np.concatenate([x[: max(0, first - 1)], x[-1:], np.zeros((max(0, len(x) - first), x.shape[1]), x.dtype)])


@mutant("cache-in-float16", of="kv_cache_rows", fault="rows are rounded to float16 on their way", into=MUTANTS)
def _(x: Floats, first: int) -> Floats:
    with np.errstate(over="ignore"):
        return kv_cache_rows(x.astype(np.float16), first).astype(np.float32)


@mutant("cache-in-pages", of="kv_cache_bytes", fault="whole pages of 16 positions are counted", into=MUTANTS)
def _(positions: int, layers: int, kv_heads: int, head_dim: int, element: int) -> Whole:
    return kv_cache_bytes(-(-positions // 16) * 16, layers, kv_heads, head_dim, element)
