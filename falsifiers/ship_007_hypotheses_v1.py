"""Falsifiers of `ship-007-hypotheses-v1`: what was suspected of the .apr path in turn, what it was not, and what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from given.localisation import enter, hold_agreement
from pv import Inconclusive, Refuted, falsifies

if TYPE_CHECKING:
    from pv import Evidence

CONTRACT = "ship-007-hypotheses-v1"
PRODUCTS = ("qkv_matmul", "attn_out", "ffn_gate", "ffn_up", "ffn_out", "lm_head")
LAYER = 3
FLOATS = ("F32", "F16", "BF16")


@falsifies(CONTRACT, "FALSIFY-SHIP-007-001")
def the_kernel_is_another(evidence: Evidence, parity: Any, shipped_pair: Any) -> None:
    """Some product, fed with llama.cpp's inputs, is beyond rounding; refuted where every product is within."""
    evidence.level("independent")
    run = parity.run(shipped_pair())
    enter(evidence, run)
    if run.verdict.outcome in ("inconclusive", "incomparable"):
        raise Inconclusive(run.verdict.outcome, run.verdict.reason)
    if not any(one.key.stage in PRODUCTS for one in run.verdict.born):
        nearest, cell = parity.greatest(run)
        raise Refuted(
            f"every product is what llama.cpp computes; the nearest to its bound is at {nearest:.2f} of it",
            stage=cell.key.stage,
            layer=cell.key.layer,
            distance=nearest,
            bound=1.0,
        )


def _hold_other_bytes(evidence: Evidence, ours: Any, theirs: Any, names: list[str], what: str) -> None:
    """Some of these tensors holds other bytes in the .apr file.

    Raises:
        Refuted: none does.
    """
    for name in names:
        a, b = ours.tensors[name], theirs.tensors[name]
        evidence.compared(b.nbytes, "bytes")
        if (a.type_name, a.shape) != (b.type_name, b.shape) or not np.array_equal(ours.raw(name), theirs.raw(name)):
            return
    raise Refuted(f"{what}: all {len(names)} tensors hold the same bytes in both files", stage=names[-1])


@falsifies(CONTRACT, "FALSIFY-SHIP-007-002")
def quantised_layers_are_populated_otherwise(evidence: Evidence, apr_path: Any, gguf_path: Any) -> None:
    """Every quantised tensor of every layer."""
    evidence.level("authored")
    names = [n for n, tensor in gguf_path.tensors.items() if n.startswith("blk.") and tensor.type_name not in FLOATS]
    _hold_other_bytes(evidence, apr_path, gguf_path, names, "quantised layers")


@falsifies(CONTRACT, "FALSIFY-SHIP-007-003")
def biases_are_others(evidence: Evidence, apr_path: Any, gguf_path: Any) -> None:
    """Biases of queries, keys and values."""
    evidence.level("authored")
    names = [name for name in gguf_path.tensors if name.endswith(".bias")]
    _hold_other_bytes(evidence, apr_path, gguf_path, names, "biases")


@falsifies(CONTRACT, "FALSIFY-SHIP-007-004")
def weights_of_layer_3_are_others(evidence: Evidence, apr_path: Any, gguf_path: Any) -> None:
    """Everything that layer 3 reads."""
    evidence.level("authored")
    names = [name for name in gguf_path.tensors if name.startswith(f"blk.{LAYER}.")]
    _hold_other_bytes(evidence, apr_path, gguf_path, names, f"layer {LAYER}")


@falsifies(CONTRACT, "FALSIFY-SHIP-007-005")
def it_is_chance(evidence: Evidence, two_runs: Any) -> None:
    """Some stage of two runs over the same tokens differs in some bit."""
    evidence.level("algorithm")  # one engine, over a model that was made up
    first, second = two_runs()
    for key in first.keys_in_order():
        evidence.compared(first[key].size, "numbers, bit by bit")
        whole = f"u{first[key].dtype.itemsize}"
        if not np.array_equal(first[key].view(whole), second[key].view(whole)):
            return
    raise Refuted("every stage of two runs has the same bits", stage="lm_head")


@falsifies(CONTRACT, "FALSIFY-SHIP-007-006")
def other_positions_are_not_compared(evidence: Evidence, parity: Any, shipped_pair: Any, last_only: Any) -> None:
    """All positions on the one side, the last one on the other: refused, whatever ratio their statistics have."""
    evidence.level("measured")
    pair = shipped_pair()
    whole = pair.captured[pair.oracle.spec]
    key = next(key for key in whole.stages if key.stage == "ffn_swigl" and key.layer == LAYER)
    swigl = whole[key].astype(np.float64)
    evidence.report(
        same_stage_of_one_run=str(key),
        std_of_all_positions=float(swigl.std()),
        std_of_the_last=float(swigl[-1].std()),
        elements=[swigl.size, swigl[-1].size],
    )
    run = parity.run(last_only(pair))
    evidence.compared(1, "pairs")
    if run.verdict.outcome != "incomparable" or run.measurement.cells:
        raise Refuted(f"all positions against the last one: {run.verdict.outcome}", stage="comparable")
    if not any(word in run.verdict.reason for word in ("tokens", "positions")):
        raise Refuted(f"the reason is {run.verdict.reason!r}", stage="comparable")


@falsifies(CONTRACT, "FALSIFY-SHIP-007-007")
def the_apr_path_agrees(evidence: Evidence, parity: Any, shipped_pair: Any) -> None:
    """What is left when positions are aligned."""
    evidence.level("independent")
    hold_agreement(evidence, parity, shipped_pair())


@falsifies(CONTRACT, "FALSIFY-SHIP-007-008")
def activations_are_kept(evidence: Evidence, parity: Any, massive_pair: Any) -> None:
    """The reference keeps the activations that it multiplies, outliers beside them or not."""
    evidence.level("algorithm")
    hold_agreement(evidence, parity, massive_pair())
