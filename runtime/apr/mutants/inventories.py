"""Faults of what the runtime asks a file for: another name, another shape, or too little."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Inventory = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class InventoryMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        change: what is asked for to what is asked for instead.
        stage, layer: where it has to be found: in names and shapes.
    """

    name: str
    fault: str
    change: Callable[[Inventory], Inventory]
    stage: str = "names"
    layer: int | None = None


def _another_name(asked: Inventory) -> Inventory:
    return {name.replace("output_norm", "norm"): shape for name, shape in asked.items()}


def _no_biases(asked: Inventory) -> Inventory:
    return {name: shape for name, shape in asked.items() if not name.endswith(".bias")}


def _wide_keys(asked: Inventory) -> Inventory:
    def queries(name: str) -> str:
        return name.replace(".attn_k.", ".attn_q.").replace(".attn_v.", ".attn_q.")

    return {name: asked[queries(name)] for name in asked}


_ALL = [
    InventoryMutant("inventory-asks-output-norm-by-another-name", "the last norm goes by `norm.weight`", _another_name),
    InventoryMutant("inventory-asks-no-biases", "biases are not asked for, so not added", _no_biases),
    InventoryMutant("inventory-asks-keys-of-all-heads", "keys and values are as wide as queries", _wide_keys),
]

MUTANTS = {mutant.name: mutant for mutant in _ALL}
