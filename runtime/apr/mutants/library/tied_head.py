"""Faults of a head that is the embedding: logits scaled, shifted, missing, or of another position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.kernels.linear import tied_head
from apr.mutants.library.planting import mutant

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.mutants.library.planting import KernelMutant

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_BLOCK = 8  # what a vocabulary is filled up to a multiple of


@mutant(
    "tied-head-scaled", of="tied_head", fault="logits are divided by the root of the width, as T5 does", into=MUTANTS
)
def _(x: Floats, table: Floats) -> Floats:
    out: Floats = tied_head(x, table) / np.sqrt(x.dtype.type(x.shape[1]))
    return out


@mutant(
    "tied-head-soft-capped", of="tied_head", fault="logits go through 30 tanh(x / 30), as Gemma 2 does", into=MUTANTS
)
def _(x: Floats, table: Floats) -> Floats:
    return np.tanh(tied_head(x, table) / x.dtype.type(30)) * x.dtype.type(30)


@mutant("tied-head-shifted", of="tied_head", fault="row v of the table makes logit v + 1", into=MUTANTS)
def _(x: Floats, table: Floats) -> Floats:
    return np.roll(tied_head(x, table), 1, axis=-1)


@mutant("tied-head-last-token", of="tied_head", fault="the last token has no logit", into=MUTANTS)
def _(x: Floats, table: Floats) -> Floats:
    out = tied_head(x, table)
    out[:, -1] = -np.inf
    return out


@mutant("tied-head-padded", of="tied_head", fault="the vocabulary is filled up to a multiple of 8", into=MUTANTS)
def _(x: Floats, table: Floats) -> Floats:
    return tied_head(x, np.pad(table, [(0, -len(table) % _BLOCK), (0, 0)]))


@mutant("tied-head-last-position", of="tied_head", fault="every position has the logits of the last", into=MUTANTS)
def _(x: Floats, table: Floats) -> Floats:
    return np.repeat(tied_head(x[-1:], table), len(x), axis=0)


@mutant("tied-head-unit-rows", of="tied_head", fault="rows of the table are brought to length one", into=MUTANTS)
def _(x: Floats, table: Floats) -> Floats:
    lengths = np.linalg.norm(table.astype(np.float64), axis=-1, keepdims=True)
    return tied_head(x, (table / np.where(lengths > 0, lengths, 1)).astype(table.dtype))


@mutant(
    "tied-head-as-embedding-scale",
    of="tied_head",
    fault="the embedding's factor, the root of the width, is put in again",
    into=MUTANTS,
)
def _(x: Floats, table: Floats) -> Floats:
    out: Floats = tied_head(x, table) * np.sqrt(x.dtype.type(x.shape[1]))
    return out


@mutant("tied-head-normalises-table", of="tied_head", fault="rows of the table are shortened in place", into=MUTANTS)
def _(x: Floats, table: Floats) -> Floats:
    out = tied_head(x, table)
    table /= np.maximum(np.abs(table).max(initial=0), 1)
    return out
