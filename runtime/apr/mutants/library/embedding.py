"""Faults of the embedding: another row, other bits, a token that should have been refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.embedding import embedding
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Floats = NDArray[np.floating[Any]]
    Integers = NDArray[np.integer[Any]]

MUTANTS: dict[str, KernelMutant] = {}


@mutant("embedding-from-one", of="embedding", fault="tokens are counted from one", into=MUTANTS)
def _(tokens: Integers, table: Floats) -> Floats:
    return embedding((tokens - 1) % len(table), table)


@mutant(
    "embedding-scaled",
    of="embedding",
    fault="rows are multiplied by the root of their length, as Gemma does",
    into=MUTANTS,
)
def _(tokens: Integers, table: Floats) -> Floats:
    out: Floats = embedding(tokens, table) * np.sqrt(table.dtype.type(table.shape[1]))
    return out


@mutant("embedding-in-float16", of="embedding", fault="rows go through float16", into=MUTANTS)
def _(tokens: Integers, table: Floats) -> Floats:
    return embedding(tokens, table).astype(np.float16).astype(table.dtype)


@mutant("embedding-transposed", of="embedding", fault="the table's memory is read as [h, vocabulary]", into=MUTANTS)
def _(tokens: Integers, table: Floats) -> Floats:
    return embedding(tokens, table.reshape(table.shape[::-1]).T)


@mutant("embedding-padding-token", of="embedding", fault="token 0 is padding, whose row is zero", into=MUTANTS)
def _(tokens: Integers, table: Floats) -> Floats:
    return np.where((tokens == 0)[:, None], table.dtype.type(0), embedding(tokens, table))


@mutant("embedding-without-nan", of="embedding", fault="what is no number is replaced by zero", into=MUTANTS)
def _(tokens: Integers, table: Floats) -> Floats:
    rows = embedding(tokens, table)
    return np.where(np.isfinite(rows), rows, table.dtype.type(0))


@mutant(
    "embedding-quiet-nan",
    of="embedding",
    fault="rows are multiplied by one, so that signalling NaN become quiet",
    into=MUTANTS,
)
def _(tokens: Integers, table: Floats) -> Floats:
    return embedding(tokens, table) * table.dtype.type(1)


@mutant("embedding-sorted", of="embedding", fault="rows come in the order of the table", into=MUTANTS)
def _(tokens: Integers, table: Floats) -> Floats:
    return embedding(np.sort(tokens), table)


@mutant("embedding-once", of="embedding", fault="a token that came before is left out: its row is zero", into=MUTANTS)
def _(tokens: Integers, table: Floats) -> Floats:
    rows = embedding(tokens, table)
    again = np.ones(len(tokens), bool)
    again[np.unique(tokens, return_index=True)[1]] = False
    rows[again] = 0
    return rows


@mutant(
    "embedding-largest-norm",
    of="embedding",
    fault="rows longer than one are shortened in the table itself",
    into=MUTANTS,
)
def _(tokens: Integers, table: Floats) -> Floats:
    length = np.sqrt(np.square(table.astype(np.float64)).sum(axis=-1, keepdims=True))
    table /= np.where(length > 1, length, 1).astype(table.dtype)
    return embedding(tokens, table)


@mutant(
    "embedding-last-token-unknown", of="embedding", fault="the last row of the vocabulary is out of reach", into=MUTANTS
)
def _(tokens: Integers, table: Floats) -> Floats:
    return embedding(np.minimum(tokens, max(len(table) - 2, 0)), table)


@mutant("embedding-from-the-end", of="embedding", fault="negative tokens count from the end", into=MUTANTS)
def _(tokens: Integers, table: Floats) -> Floats:
    return table[tokens]


@mutant(
    "embedding-clamped",
    of="embedding",
    fault="a token that the table does not have gives its nearest row",
    into=MUTANTS,
)
def _(tokens: Integers, table: Floats) -> Floats:
    return embedding(np.clip(tokens, 0, len(table) - 1), table)


@mutant("embedding-modulo", of="embedding", fault="tokens are taken modulo the vocabulary", into=MUTANTS)
def _(tokens: Integers, table: Floats) -> Floats:
    return embedding(tokens % len(table), table)
