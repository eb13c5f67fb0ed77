"""Falsifiers of `layer-parity-v1`: the reference in float32 against itself in float64, on a real model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Collection

    from pv import Claim, Evidence

CONTRACT = "layer-parity-v1"
PRODUCTS = ("qkv_matmul", "attention", "attn_out", "ffn_gate", "ffn_up", "ffn_out", "lm_head")
ELEMENTWISE = (
    "attn_norm", "q_post_rope", "k_post_rope", "post_attn_residual", "ffn_norm", "ffn_silu", "ffn_swigl",
    "post_ffn_residual", "final_norm",
)  # fmt: skip
LEAST_COSINE = 0.999


def _hold(claim: Claim, evidence: Evidence, subject: Any, given: Any, stages: Collection[str]) -> None:
    """Each of these stages, from float64's inputs, at every position."""
    evidence.level("measured")
    for key, ours in subject.isolated(given):
        if key.stage not in stages:
            continue
        theirs = given[key]
        distances = np.sqrt(np.mean((ours - theirs) ** 2, axis=1) / np.mean(theirs**2, axis=1))
        worst = int(np.where(np.isnan(distances), np.inf, distances).argmax())
        evidence.compared(theirs.size, "numbers")
        evidence.worst(float(distances[worst]), bound=claim.tolerance, stage=key.stage, layer=key.layer, position=worst)
        if not distances[worst] <= claim.tolerance:
            raise Refuted(
                f"{key} is {distances[worst]:.2e} off float64 at position {worst}",
                stage=key.stage,
                layer=key.layer,
                position=worst,
                distance=float(distances[worst]),
                bound=claim.tolerance,
            )


@falsifies(CONTRACT, "PARITY-001")
def elementwise_steps(claim: Claim, evidence: Evidence, subject_in: Any, run_in_f64: Any, tokens: int) -> None:
    """Steps without long sums."""
    _hold(claim, evidence, subject_in("f32"), run_in_f64(tokens), ELEMENTWISE)


@falsifies(CONTRACT, "PARITY-002")
def products(claim: Claim, evidence: Evidence, subject_in: Any, run_in_f64: Any, tokens: int) -> None:
    """Steps that sum."""
    _hold(claim, evidence, subject_in("f32"), run_in_f64(tokens), PRODUCTS)


@falsifies(CONTRACT, "PARITY-003")
def free_runs_meet(evidence: Evidence, subject_in: Any, run_in_f64: Any, tokens: int) -> None:
    """Logits of each from the tokens."""
    evidence.level("measured")
    truth = run_in_f64(tokens)
    ours = subject_in("f32").capture(truth.provenance.tokens)
    head = truth.keys_in_order()[-1]
    a, b = ours[head].astype(np.float64), truth[head]
    cosines = (a * b).sum(axis=1) / np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    worst = int(np.where(np.isnan(cosines), -np.inf, cosines).argmin())
    evidence.compared(len(cosines), "positions")
    evidence.report(least_cosine=float(cosines[worst]), at_position=worst)
    if not cosines[worst] >= LEAST_COSINE:
        raise Refuted(f"cosine {cosines[worst]:.6f}", stage="lm_head", position=worst)
    differs = np.flatnonzero(a.argmax(axis=1) != b.argmax(axis=1))
    if differs.size:
        raise Refuted("another token is the likeliest", stage="lm_head", position=int(differs[0]))


@falsifies(CONTRACT, "PARITY-004")
def every_position_for_itself(claim: Claim, evidence: Evidence, subject_in: Any, run_in_f64: Any, tokens: int) -> None:
    """All steps; what is judged is the worst position, and the first is no exception."""
    _hold(claim, evidence, subject_in("f32"), run_in_f64(tokens), (*ELEMENTWISE, *PRODUCTS))
