"""Faults of sizes that follow from hyper-parameters, and of the rules by which hyper-parameters are refused."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from apr.kernels.shapes_config import config_is_read, config_widths, experts_are_read
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Whole = NDArray[np.int64]
    Truth = NDArray[np.bool_]

MUTANTS: dict[str, KernelMutant] = {}


@mutant(
    "head-dim-of-hidden", of="config_widths", fault="heads are hidden / heads wide whatever the file says", into=MUTANTS
)
def _(hidden: int, heads: int, kv_heads: int, _key_length: int) -> Whole:
    return config_widths(hidden, heads, kv_heads, max(1, hidden // heads))


@mutant("kv-heads-unsaid-is-one", of="config_widths", fault="a file that does not say has one key head", into=MUTANTS)
def _(hidden: int, heads: int, kv_heads: int, key_length: int) -> Whole:
    return config_widths(hidden, heads, kv_heads or 1, key_length)


@mutant("kv-width-of-queries", of="config_widths", fault="keys are as wide as queries, as without groups", into=MUTANTS)
def _(hidden: int, heads: int, kv_heads: int, key_length: int) -> Whole:
    head_dim, queries, _, group = config_widths(hidden, heads, kv_heads, key_length).tolist()
    return np.asarray([head_dim, queries, queries, group])


@mutant("q-width-of-hidden", of="config_widths", fault="queries are as wide as the residual stream", into=MUTANTS)
def _(hidden: int, heads: int, kv_heads: int, key_length: int) -> Whole:
    head_dim, _, keys, group = config_widths(hidden, heads, kv_heads, key_length).tolist()
    return np.asarray([head_dim, hidden, keys, group])


@mutant(
    "group-is-kv-heads", of="config_widths", fault="the number of groups is taken for the size of one", into=MUTANTS
)
def _(hidden: int, heads: int, kv_heads: int, key_length: int) -> Whole:
    head_dim, queries, keys, group = config_widths(hidden, heads, kv_heads, key_length).tolist()
    return np.asarray([head_dim, queries, keys, heads // group])


@mutant(
    "hidden-cut-into-heads", of="config_is_read", fault="what is left over of hidden / heads is dropped", into=MUTANTS
)
def _(hidden: int, heads: int, kv_heads: int, key_length: int, theta: float, epsilon: float) -> Truth:
    return config_is_read(hidden - hidden % heads or heads, heads, kv_heads, key_length, theta, epsilon)


@mutant("groups-uneven", of="config_is_read", fault="query heads need not divide among the key heads", into=MUTANTS)
def _(hidden: int, heads: int, _kv_heads: int, key_length: int, theta: float, epsilon: float) -> Truth:
    return config_is_read(hidden, heads, heads, key_length, theta, epsilon)


@mutant("more-key-heads", of="config_is_read", fault="more key heads than query heads are let through", into=MUTANTS)
def _(hidden: int, heads: int, kv_heads: int, key_length: int, theta: float, epsilon: float) -> Truth:
    many = kv_heads > heads and kv_heads % heads == 0
    return config_is_read(hidden, heads, heads if many else kv_heads, key_length, theta, epsilon)


@mutant(
    "odd-heads",
    of="config_is_read",
    fault="a head of odd width is let through, its last column never rotates",
    into=MUTANTS,
)
def _(hidden: int, heads: int, kv_heads: int, key_length: int, theta: float, epsilon: float) -> Truth:
    return config_is_read(2 * hidden, heads, kv_heads, 2 * key_length, theta, epsilon)


@mutant("theta-nan", of="config_is_read", fault="theta <= 0 refuses, which NaN is not", into=MUTANTS)
def _(hidden: int, heads: int, kv_heads: int, key_length: int, theta: float, epsilon: float) -> Truth:
    return config_is_read(hidden, heads, kv_heads, key_length, 1e4 if math.isnan(theta) else theta, epsilon)


@mutant(
    "epsilon-zero",
    of="config_is_read",
    fault="an epsilon of 0 is let through: a row of zeros becomes NaN",
    into=MUTANTS,
)
def _(hidden: int, heads: int, kv_heads: int, key_length: int, theta: float, epsilon: float) -> Truth:
    return config_is_read(hidden, heads, kv_heads, key_length, theta, epsilon or 1e-5)


@mutant("wide-heads-refused", of="config_is_read", fault="heads must make up the residual stream", into=MUTANTS)
def _(hidden: int, heads: int, kv_heads: int, key_length: int, theta: float, epsilon: float) -> Truth:
    fits = not key_length or key_length * heads == hidden
    return np.logical_and(config_is_read(hidden, heads, kv_heads, key_length, theta, epsilon), fits)


@mutant("experts-all-used-refused", of="experts_are_read", fault="k must be below the number of experts", into=MUTANTS)
def _(count: int, used: int, feed_forward: int) -> Truth:
    return np.logical_and(experts_are_read(count, used, feed_forward), used < count)


@mutant("experts-too-many-used", of="experts_are_read", fault="k may be above the number of experts", into=MUTANTS)
def _(count: int, used: int, feed_forward: int) -> Truth:
    return experts_are_read(count, min(count, used), feed_forward)


@mutant(
    "heads-in-turn", of="kv_head_of", fault="query heads take key heads in turn: a tiling, no repetition", into=MUTANTS
)
def _(heads: int, kv_heads: int) -> Whole:
    return np.arange(heads) % kv_heads


@mutant("heads-by-kv", of="kv_head_of", fault="query head h reads key head h // kv_heads", into=MUTANTS)
def _(heads: int, kv_heads: int) -> Whole:
    return np.arange(heads) // kv_heads
