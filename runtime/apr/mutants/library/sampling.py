"""Faults of the choice of the next token: of the choice itself, of what is left to choose from, and of the draws."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.mutants.library import (
    sampling_chains,
    sampling_choices,
    sampling_draws,
    sampling_min_p,
    sampling_top_k,
    sampling_top_p,
)

if TYPE_CHECKING:
    from apr.mutants.library.planting import KernelMutant

MUTANTS: dict[str, KernelMutant] = {
    **sampling_choices.MUTANTS,
    **sampling_top_k.MUTANTS,
    **sampling_top_p.MUTANTS,
    **sampling_min_p.MUTANTS,
    **sampling_chains.MUTANTS,
    **sampling_draws.MUTANTS,
}
