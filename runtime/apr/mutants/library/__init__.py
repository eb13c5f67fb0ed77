"""Faults of the library of kernels, by the names that contracts give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.mutants.library import activations, attention, elementwise, losses, norms, sampling, softmax

if TYPE_CHECKING:
    from apr.mutants.library.planting import KernelMutant

MUTANTS: dict[str, KernelMutant] = {
    **activations.MUTANTS,
    **attention.MUTANTS,
    **elementwise.MUTANTS,
    **losses.MUTANTS,
    **norms.MUTANTS,
    **sampling.MUTANTS,
    **softmax.MUTANTS,
}
