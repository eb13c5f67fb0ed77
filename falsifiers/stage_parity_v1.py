"""Falsifiers of `stage-parity-v1`: the reference against llama.cpp, stage by stage, on a real model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from given.judging import complete, hold_within
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable

    from pv import Claim, Evidence, Mutant

CONTRACT = "stage-parity-v1"
PROSE = Path(__file__).resolve().parent.parent / "fixtures" / "prose.txt"
BIT_IDENTICAL = ("embedding", "attn_norm", "ffn_norm", "final_norm", "post_attn_residual", "post_ffn_residual")


@falsifies(CONTRACT, "FALSIFY-STAGE-PARITY-001", "FALSIFY-STAGE-PARITY-002")
def every_stage_is_within_rounding(
    claim: Claim,
    evidence: Evidence,
    mutant: Mutant | None,
    measure: Callable[[int], Any],
    free_run: Callable[[int], dict[str, Any]],
    tokens: int,
) -> None:
    """The first stage in forward order beyond the bound is where the fault was born."""
    measurement = complete(measure(tokens))
    evidence.level("independent")
    evidence.report(not_in_the_graph=["ffn_silu"])
    if mutant is None:
        evidence.report(free_run=free_run(tokens))
    hold_within(claim, evidence, measurement)


@falsifies(CONTRACT, "FALSIFY-STAGE-PARITY-003")
def sums_of_two_are_exact(evidence: Evidence, measure: Callable[[int], Any], tokens: int) -> None:
    """Stages that sum nothing in another order must agree in every bit."""
    measurement = complete(measure(tokens))
    evidence.level("independent")
    for row in measurement.rows:
        if row.key.stage not in BIT_IDENTICAL:
            continue
        evidence.compared(row.difference.count, "numbers, bit by bit")
        evidence.worst(row.difference.max_abs_diff, bound=0.0, stage=row.key.stage, layer=row.key.layer)
        if not row.difference.bit_identical:
            raise Refuted(
                f"{row.key} differs in {row.difference.n_different} of {row.difference.count} numbers",
                stage=row.key.stage,
                layer=row.key.layer,
                position=row.difference.worst_position,
                distance=row.difference.max_abs_diff,
                bound=0.0,
            )


@falsifies(CONTRACT, "FALSIFY-STAGE-PARITY-004")
def logits_choose_the_same_token(evidence: Evidence, measure: Callable[[int], Any], tokens: int) -> None:
    """The greatest logit of every position, not only of the last."""
    measurement = complete(measure(tokens))
    evidence.level("independent")
    evidence.compared(measurement.tokens, "positions")
    if measurement.argmax_differs:
        raise Refuted(
            f"another token is likeliest at {len(measurement.argmax_differs)} of {measurement.tokens} positions",
            stage="lm_head",
            position=measurement.argmax_differs[0],
        )


@falsifies(CONTRACT, "FALSIFY-STAGE-PARITY-005")
def nothing_is_left_out(evidence: Evidence, measure: Callable[[int], Any], tokens: int) -> None:
    """Every stage of every layer and position, every number finite."""
    measurement = measure(tokens)
    evidence.level("measured")
    if measurement.missing:
        key, reason = measurement.missing[0]
        raise Refuted(f"{key} {reason}", stage=key.stage, layer=key.layer, missing=len(measurement.missing))
    for row in measurement.rows:
        evidence.compared(1, "stages")
        if not row.difference.all_finite:
            raise Refuted(
                f"{row.key} holds numbers that are not finite",
                stage=row.key.stage,
                layer=row.key.layer,
                position=row.difference.worst_position,
            )


@falsifies(CONTRACT, "FALSIFY-STAGE-PARITY-006")
def both_run_the_same_tokens(evidence: Evidence, apr: Any, oracle: Any, model_path: Path, tmp_path: Path) -> None:
    """The program's tokens of a text are llama.cpp's."""
    text = PROSE.read_text(encoding="utf-8")
    evidence.level("independent")
    evidence.input("fixture", PROSE)
    shown = apr(
        "trace", model_path, "--save-tensor", "embedding", "--prompt", text, "--output", tmp_path / "out", "--json"
    )
    assert shown.returncode == 0, shown.stderr
    ours, theirs = json.loads(shown.stdout)["tokens"], oracle.tokenize(text)
    evidence.compared(max(len(ours), len(theirs)), "tokens")
    if ours != theirs:
        common = min(len(ours), len(theirs))
        differ = np.flatnonzero(np.asarray(ours[:common]) != np.asarray(theirs[:common]))
        position = int(differ[0]) if differ.size else common
        raise Refuted(
            f"{len(ours)} tokens against llama.cpp's {len(theirs)}, first different at {position}",
            stage="tokens",
            position=position,
        )
