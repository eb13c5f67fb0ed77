"""Faults of shapes and sizes, of all their parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.mutants.library import (
    shapes_cache,
    shapes_config,
    shapes_counts,
    shapes_flow,
    shapes_inventory,
    shapes_layout,
)

if TYPE_CHECKING:
    from apr.mutants.library.planting import KernelMutant

MUTANTS: dict[str, KernelMutant] = {
    **shapes_cache.MUTANTS,
    **shapes_config.MUTANTS,
    **shapes_counts.MUTANTS,
    **shapes_flow.MUTANTS,
    **shapes_inventory.MUTANTS,
    **shapes_layout.MUTANTS,
}
