"""Planted faults of a model: each is one line of meaning, put into the reference, and must be refuted by the claims that name it.

A mutant is made from a sound model by changing its hyper-parameters, the bytes of a tensor, or what happens at one stage.
`stage` and `layer` say where a comparison in isolation has to find it first. The layers are those of a model with 30 of them,
whose matrices are Q4_1: the trained one of `make falsify`, or a tiny one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.mutants import attention, elementwise, products, rotation, shapes

if TYPE_CHECKING:
    from apr.mutants.planting import Mutant

MUTANTS: dict[str, Mutant] = {
    name: mutant
    for part in (rotation, attention, products, elementwise, shapes)
    for name, mutant in part.MUTANTS.items()
}
