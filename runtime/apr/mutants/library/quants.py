"""Faults of encodings, of halves and of the rounding of activations: those of `apr.kernels.quants`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.mutants.library import (
    quants_activations,
    quants_bytewise,
    quants_halves,
    quants_minimum,
    quants_offset,
    quants_q4_k,
    quants_q6_k,
)

if TYPE_CHECKING:
    from apr.mutants.library.planting import KernelMutant

MUTANTS: dict[str, KernelMutant] = {
    **quants_offset.MUTANTS,
    **quants_minimum.MUTANTS,
    **quants_bytewise.MUTANTS,
    **quants_q4_k.MUTANTS,
    **quants_q6_k.MUTANTS,
    **quants_halves.MUTANTS,
    **quants_activations.MUTANTS,
}
