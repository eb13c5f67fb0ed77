"""Faults of the library of kernels, by the names that contracts give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.mutants.library import (
    activations,
    attention,
    elementwise,
    embedding,
    linear,
    losses,
    norms,
    quants,
    rope,
    rope_llama3,
    rope_neox,
    rope_scaled,
    routing,
    sampling,
    shapes,
    softmax,
    tied_head,
)

if TYPE_CHECKING:
    from apr.mutants.library.planting import KernelMutant

MUTANTS: dict[str, KernelMutant] = {
    **activations.MUTANTS,
    **attention.MUTANTS,
    **elementwise.MUTANTS,
    **embedding.MUTANTS,
    **linear.MUTANTS,
    **losses.MUTANTS,
    **norms.MUTANTS,
    **quants.MUTANTS,
    **rope.MUTANTS,
    **rope_llama3.MUTANTS,
    **rope_neox.MUTANTS,
    **rope_scaled.MUTANTS,
    **routing.MUTANTS,
    **sampling.MUTANTS,
    **shapes.MUTANTS,
    **softmax.MUTANTS,
    **tied_head.MUTANTS,
}
