"""Falsifiers of `architecture-parity-v1`: the reference against llama.cpp on tiny models of each architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from given.judging import hold_within
from pv import falsifies

if TYPE_CHECKING:
    from pv import Claim, Evidence

CONTRACT = "architecture-parity-v1"
POSITIONS, BEYOND = 24, 96


@falsifies(CONTRACT, "FALSIFY-ARCHITECTURE-001", "FALSIFY-ARCHITECTURE-002", "FALSIFY-ARCHITECTURE-003")
def every_stage_agrees(claim: Claim, evidence: Evidence, measure_small: Any, model: str) -> None:
    """Isolated, at every position."""
    measurement = measure_small(model, POSITIONS)
    evidence.level("independent")
    hold_within(claim, evidence, measurement)


@falsifies(CONTRACT, "FALSIFY-ARCHITECTURE-004", "FALSIFY-ARCHITECTURE-005", "FALSIFY-ARCHITECTURE-006")
def every_stage_agrees_beyond_the_original_context(
    claim: Claim, evidence: Evidence, measure_small: Any, model: str
) -> None:
    """The same over more positions than the model's rotation was made for."""
    measurement = measure_small(model, BEYOND)
    evidence.level("independent")
    hold_within(claim, evidence, measurement)
