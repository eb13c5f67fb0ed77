"""Faults of the kernels of `apr.kernels.attention`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.mutants.library import (
    attention_cache,
    attention_causal,
    attention_flash,
    attention_groups,
    attention_norm,
    attention_weights,
    attention_window,
)

if TYPE_CHECKING:
    from apr.mutants.library.planting import KernelMutant

MUTANTS: dict[str, KernelMutant] = {
    **attention_causal.MUTANTS,
    **attention_weights.MUTANTS,
    **attention_window.MUTANTS,
    **attention_groups.MUTANTS,
    **attention_norm.MUTANTS,
    **attention_flash.MUTANTS,
    **attention_cache.MUTANTS,
}
