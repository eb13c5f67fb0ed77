"""How several falsifiers judge a measurement, so that they judge alike."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from pv import Inconclusive, Refuted

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from pv import Claim, Evidence

EXACT = ("embedding", "moe_router_indices")  # rows that are copied, and whole numbers: any other bit is a fault


def complete(measurement: Any) -> Any:
    """The measurement itself.

    Raises:
        Inconclusive: a stage is missing; what is not there cannot agree.
    """
    if measurement.missing:
        key, reason = measurement.missing[0]
        raise Inconclusive("incomplete capture", f"{key} {reason}")
    return measurement


def hold_within(claim: Claim, evidence: Evidence, measurement: Any, stages: Collection[str] | None = None) -> None:
    """Every stage, and every position of it, is within the claim's tolerance in relative RMS; some must be equal in every bit.

    Args:
        claim: whose tolerance is the bound.
        evidence: gets how many numbers were compared, and the worst distance.
        measurement: a subject against an oracle, stage by stage.
        stages: those to be judged; None for all.

    Raises:
        Inconclusive: a stage is missing.
        Refuted: at the first stage in forward order that is off.
    """
    rows = [row for row in complete(measurement).rows if stages is None or row.key.stage in stages]
    evidence.compared(sum(row.difference.count for row in rows), "numbers")
    for row in rows:
        difference, key = row.difference, row.key
        exact = key.stage in EXACT
        distances = [difference.relative_rms, difference.worst_position_relative_rms]
        distance = max(distances, key=lambda each: (math.isnan(each), each))
        evidence.worst(
            distance, bound=claim.tolerance, stage=key.stage, layer=key.layer, position=difference.worst_position
        )
        if exact and not difference.bit_identical:
            distance = math.inf
        if not distance <= claim.tolerance:  # so that NaN refutes
            raise Refuted(
                f"{key} is {distance:.2e} off in relative RMS at its worst position, computed from the oracle's own inputs",
                stage=key.stage,
                layer=key.layer,
                position=difference.worst_position,
                distance=distance,
                bound=claim.tolerance,
                max_abs_diff=difference.max_abs_diff,
            )


def hold_rows(
    claim: Claim,
    evidence: Evidence,
    seen: NDArray[np.floating[Any]],
    expected: NDArray[np.floating[Any]],
    stage: str,
    layer: int | None = None,
) -> None:
    """Each row is within the claim's tolerance of what is expected, relative to the root mean square of all of them.

    Args:
        claim: whose tolerance is the bound.
        evidence: gets how many numbers were compared, and the worst distance.
        seen: [positions, width].
        expected: the same shape.
        stage: what it is.
        layer: where it is.

    Raises:
        Refuted: at the worst position.
    """
    rows = np.sqrt(np.mean((seen - expected) ** 2, axis=1) / np.mean(expected**2))
    worst = int(np.where(np.isnan(rows), np.inf, rows).argmax())
    evidence.compared(expected.size, "numbers")
    evidence.worst(float(rows[worst]), bound=claim.tolerance, stage=stage, layer=layer, position=worst)
    if not rows[worst] <= claim.tolerance:
        raise Refuted(
            f"{stage} is {rows[worst]:.2e} off at position {worst}",
            stage=stage,
            layer=layer,
            position=worst,
            distance=float(rows[worst]),
            bound=claim.tolerance,
        )
