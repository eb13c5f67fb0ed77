"""Falsifiers of `ggml-arithmetic-v1`: every weight type's product against llama.cpp's, and the functions it is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from given.judging import hold_within
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pv import Claim, Evidence

CONTRACT = "ggml-arithmetic-v1"
PRODUCTS = ("qkv_matmul", "attn_out", "ffn_gate", "ffn_up", "ffn_out", "lm_head")


def _judge(claim: Claim, evidence: Evidence, measurement: Any) -> None:
    """Embedding rows bit by bit, every other stage by its distance; in forward order, so that the first is the cause."""
    if measurement.missing:
        key, reason = measurement.missing[0]
        raise Refuted(f"{key} {reason}", stage=key.stage, layer=key.layer)
    evidence.level("independent")
    hold_within(claim, evidence, measurement)


@falsifies(
    CONTRACT,
    "FALSIFY-GGML-ARITHMETIC-001",
    "FALSIFY-GGML-ARITHMETIC-002",
    "FALSIFY-GGML-ARITHMETIC-003",
    "FALSIFY-GGML-ARITHMETIC-004",
    "FALSIFY-GGML-ARITHMETIC-005",
    "FALSIFY-GGML-ARITHMETIC-006",
    "FALSIFY-GGML-ARITHMETIC-007",
    "FALSIFY-GGML-ARITHMETIC-008",
    "FALSIFY-GGML-ARITHMETIC-009",
    "FALSIFY-GGML-ARITHMETIC-010",
    "FALSIFY-GGML-ARITHMETIC-011",
    "FALSIFY-GGML-ARITHMETIC-012",
)
def products_of_a_type_are_llama_cpps(
    claim: Claim, evidence: Evidence, measure_type: Callable[..., Any], weights: str, tokens: int
) -> None:
    """A model of this type alone; five tokens and sixteen go through different kernels of llama.cpp."""
    _judge(claim, evidence, measure_type(weights, tokens))


@falsifies(CONTRACT, "FALSIFY-GGML-ARITHMETIC-013")
def so_are_those_of_rarer_types(
    claim: Claim, evidence: Evidence, measure_type: Callable[..., Any], weights: str
) -> None:
    """One layer, because quantising to some of these types takes long."""
    _judge(claim, evidence, measure_type(weights, 16, layers=1))


@falsifies(CONTRACT, "FALSIFY-GGML-ARITHMETIC-014")
def massive_activations_are_rounded_the_same(
    claim: Claim, evidence: Evidence, measure_type: Callable[..., Any], weights: str
) -> None:
    """Where rounding costs most; and it is shown that it costs, so that agreement means something."""
    exact = measure_type(weights, 16, massive=True, rounded=False)
    cost = {str(row.key): row.difference.relative_rms for row in exact.rows if row.key.stage in PRODUCTS}
    evidence.report(without_rounding=cost)
    cheap = min(cost, key=cost.__getitem__)
    if not cost[cheap] > 1e-3:
        raise Refuted(f"without rounding {cheap} is only {cost[cheap]:.1e} off: nothing is massive here", stage="model")
    _judge(claim, evidence, measure_type(weights, 16, massive=True))


def _numbers() -> NDArray[np.float32]:
    """Rows of 1024 float32: of every size, zeros, and numbers half way between two that a format has."""
    rng = np.random.Generator(np.random.PCG64(14))
    x = rng.standard_normal((400, 1024))
    x[:320] *= 10.0 ** rng.integers(-40, 31, (320, 1))
    x[0] = 0
    x[1, ::3] = 0
    halves = np.resize([127, -126.5, 0.5, 1.5, -2.5, 63.5, 64.5, -0.5], (40, 1024))
    x[320:360] = halves * 2.0 ** np.arange(-20, 20)[:, None]
    # the same in other orders and signs, so that the greatest number of a block is not always the first, nor positive
    x[340:360] = rng.permuted(-x[340:360], axis=1)
    numbers = x.astype(np.float32)
    bits = numbers.view(np.uint32)
    bits[360:380] = bits[360:380] & np.uint32(0xFFFF0000) | np.uint32(0x8000)  # of bfloat16: upper half and a half
    bits[380:] = bits[380:] & np.uint32(0xFFFFE000) | np.uint32(0x1000)  # of float16: ten bits and a half
    return numbers


@falsifies(CONTRACT, "FALSIFY-GGML-ARITHMETIC-015")
def activations_are_rounded_bit_for_bit(evidence: Evidence, both_sides: Any) -> None:
    """Codes, scales and sums, in the bytes of ggml's blocks."""
    evidence.level("independent")
    for name in both_sides.roundings:
        ours, theirs = both_sides.rounded(_numbers(), name)
        _require_equal(evidence, ours, theirs, name, "rounded")


@falsifies(CONTRACT, "FALSIFY-GGML-ARITHMETIC-016")
def weights_are_decoded_bit_for_bit(evidence: Evidence, both_sides: Any) -> None:
    """Rows of every type, quantised by ggml from normal numbers of several sizes."""
    evidence.level("independent")
    rng = np.random.Generator(np.random.PCG64(15))
    x = (rng.standard_normal((24, 512)) * 10.0 ** rng.integers(-3, 3, (24, 1))).astype(np.float32)
    for name in both_sides.types:
        ours, theirs = both_sides.decoded(both_sides.encoded(x, name), name)
        _require_equal(evidence, ours, theirs, name, "decoded")


def _require_equal(
    evidence: Evidence, ours: NDArray[np.uint8], theirs: NDArray[np.uint8], name: str, done: str
) -> None:
    if ours.shape != theirs.shape:
        raise Refuted(f"{name}: {ours.shape} bytes against {theirs.shape}", stage=name)
    evidence.compared(ours.size, f"bytes {done}")
    rows = np.flatnonzero((ours != theirs).any(axis=-1))
    if rows.size:
        count = int((ours != theirs).sum())
        raise Refuted(f"{name}: {count} of {ours.size} bytes differ", stage=name, position=int(rows[0]))
