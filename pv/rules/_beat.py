"""The block in which a beat-benchmark contract says whom it claims to beat, at what, and by how much."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pv.parse import Contract

KIND = "beat-benchmark"
BLOCK = "beat"


def is_beat(contract: Contract) -> bool:
    """Whether the contract is of this kind."""
    return contract.kind == KIND


def beat_of(contract: Contract) -> Mapping[str, Any] | None:
    """The block; None if the contract is of another kind, or has none."""
    block = contract.document.data.get(BLOCK)
    return block if is_beat(contract) and isinstance(block, dict) else None
