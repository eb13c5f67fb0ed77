"""Falsifiers of `tensor-inventory-v1`: what the runtime asks for against what the `gguf` library finds in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from given.small_models import MAKER
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pathlib import Path

    from pv import Evidence

CONTRACT = "tensor-inventory-v1"
REAL = 272  # tensors of SmolLM2-135M: 9 a layer, 30 layers, an embedding that is the head, too, and a norm


def _hold_equal(evidence: Evidence, asked: dict[str, tuple[int, ...]], head: Any) -> None:
    held = {name: tensor.shape for name, tensor in head.tensors.items()}
    evidence.compared(len(held), "tensors")
    for name in sorted(asked.keys() | held.keys()):
        if asked.get(name) != held.get(name):
            raise Refuted(f"{name}: {asked.get(name)} is asked for, {held.get(name)} is there", stage="names")


@falsifies(CONTRACT, "FALSIFY-INVENTORY-007")
def tiny_models(evidence: Evidence, asked_of: Any, file_head: Any, small_path: Any, model: str) -> None:
    """In both directions: nothing is missing, and nothing is there that nobody reads."""
    evidence.level("authored")
    evidence.input("fixture", MAKER)
    path = small_path(model)
    _hold_equal(evidence, asked_of(path), file_head(path))


@falsifies(CONTRACT, "FALSIFY-INVENTORY-008")
def the_real_model(evidence: Evidence, asked_of: Any, file_head: Any, model_path: Path) -> None:
    """The same on a file that others made."""
    evidence.level("independent")
    evidence.input("model", model_path)
    head = file_head(model_path)
    if len(head.tensors) != REAL:
        raise Refuted(f"the file holds {len(head.tensors)} tensors, not {REAL}", stage="names")
    _hold_equal(evidence, asked_of(model_path), head)
