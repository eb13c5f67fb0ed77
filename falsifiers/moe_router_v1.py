"""Falsifiers of `moe-router-v1`: any logits, any number of experts, through the router's own functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pv import Claim, Evidence

CONTRACT = "moe-router-v1"
UNIT = 2.0**-24  # of float32
EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)


@st.composite
def _routed(draw: st.DrawFn, step: float = 1 / 64, span: int = 1024) -> tuple[NDArray[np.float32], int]:
    """Logits [positions, experts] on a grid, exact in float32, and how many experts a position goes to."""
    positions, experts = draw(st.integers(1, 5)), draw(st.integers(1, 24))
    seed = draw(st.integers(0, 2**32 - 1))
    grid = np.random.Generator(np.random.PCG64(seed)).integers(-span, span + 1, (positions, experts))
    return (grid * step).astype(np.float32), draw(st.integers(1, experts))


def _refute(problem: str, stage: str, position: int) -> None:
    raise Refuted(problem, stage=stage, position=position)


@falsifies(CONTRACT, "FALSIFY-MOE-ROUTER-001")
def weights_sum_to_one(evidence: Evidence, routing: Any) -> None:
    """The sum of each row, and its sign."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_routed())
    def check(routed: tuple[NDArray[np.float32], int]) -> None:
        logits, used = routed
        _, weights = routing.route(logits, used)
        off = np.abs(weights.astype(np.float64).sum(axis=-1) - 1)
        evidence.compared(len(weights), "positions")
        wrong = np.flatnonzero((off > 2 * used * UNIT) | (weights < 0).any(axis=-1))
        if wrong.size:
            _refute(f"weights sum to 1 {off[wrong[0]]:+.2e}", "moe_router", int(wrong[0]))

    check()


@falsifies(CONTRACT, "FALSIFY-MOE-ROUTER-002")
def the_likeliest_are_taken_in_order(evidence: Evidence, routing: Any) -> None:
    """Logits of those taken fall, and none left out is greater than the last of them."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_routed())
    def check(routed: tuple[NDArray[np.float32], int]) -> None:
        logits, used = routed
        chosen, _ = routing.route(logits, used)
        evidence.compared(len(chosen), "positions")
        for position, (row, taken) in enumerate(zip(logits, chosen, strict=True)):
            left = np.delete(row, taken)
            ordered = bool((np.diff(row[taken]) <= 0).all())
            greatest = not left.size or float(left.max()) <= float(row[taken].min())
            if len(taken) != used or len(set(taken.tolist())) != used or not ordered or not greatest:
                _refute(f"of logits {row.tolist()} experts {taken.tolist()} were taken", "moe_router_indices", position)

    check()


@falsifies(CONTRACT, "FALSIFY-MOE-ROUTER-003")
def equals_stand_by_index(evidence: Evidence, routing: Any) -> None:
    """Logits of few values, so that most of them are equal to another."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_routed(step=1.0, span=1))
    def check(routed: tuple[NDArray[np.float32], int]) -> None:
        logits, used = routed
        chosen, _ = routing.route(logits, used)
        evidence.compared(len(chosen), "positions")
        for position, (row, taken) in enumerate(zip(logits, chosen, strict=True)):
            expected = sorted(range(len(row)), key=lambda expert: (-row[expert], expert))[:used]
            if taken.tolist() != expected:
                _refute(f"{taken.tolist()} instead of {expected}", "moe_router_indices", position)

    check()


@falsifies(CONTRACT, "FALSIFY-MOE-ROUTER-004")
def ratios_are_those_of_the_logits(claim: Claim, evidence: Evidence, routing: Any) -> None:
    """Every weight against the first of its row, in logarithms of float64."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_routed(span=512))
    def check(routed: tuple[NDArray[np.float32], int]) -> None:
        logits, used = routed
        chosen, weights = routing.route(logits, used)
        taken = np.take_along_axis(logits, chosen, axis=-1).astype(np.float64)
        expected = np.exp(taken - taken[:, :1])
        seen = weights.astype(np.float64) / weights[:, :1]
        off = np.abs(seen / expected - 1)
        evidence.compared(off.size, "ratios")
        evidence.worst(float(off.max()), bound=claim.tolerance, stage="moe_router")
        if not off.max() <= claim.tolerance:
            _refute(f"a ratio is {off.max():.2e} off", "moe_router", int(off.max(axis=-1).argmax()))

    check()


@falsifies(CONTRACT, "FALSIFY-MOE-ROUTER-005")
def a_common_shift_changes_nothing(evidence: Evidence, routing: Any) -> None:
    """Sums are exact in float32, so indices and weights must be equal in every bit."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(_routed(), st.integers(-640_000, 640_000))
    def check(routed: tuple[NDArray[np.float32], int], steps: int) -> None:
        logits, used = routed
        plain = routing.route(logits, used)
        shifted = routing.route(logits + np.float32(steps / 64), used)
        evidence.compared(len(logits), "positions")
        for stage, a, b in zip(("moe_router_indices", "moe_router"), plain, shifted, strict=True):
            rows = np.flatnonzero(~((a == b) & np.isfinite(b)).all(axis=-1))
            if rows.size:
                _refute(f"another result after {steps / 64:+} was added to all logits", stage, int(rows[0]))

    check()
