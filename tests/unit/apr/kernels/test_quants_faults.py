"""Faults of encodings, halves and rounded activations: each gives other results of the same kind, and a claim names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from apr.kernels import quants
from apr.mutants.library.quants import MUTANTS

CONTRACTS = Path(__file__).resolve().parents[4] / "contracts"
NAMES = (
    *("q4-0-blocks", "q4-1-blocks", "q5-0-blocks", "q5-1-blocks", "q8-0-blocks", "q8-k-blocks", "q4-k-super-blocks"),
    *("q6-k-super-blocks", "f16-conversion", "bf16-conversion", "quantization-ordering", "activation-rounding"),
)
RNG = np.random.default_rng(7)
BITS = RNG.integers(0, 1 << 32, 4000, np.uint32)
EVEN = (np.arange(0, 31744, 2, dtype=np.uint32) << 16 | 0x8000).view(np.float32)  # ties of bfloat16
TIES = ((quants.f16_to_f32(np.arange(31743)).astype(np.float64) + quants.f16_to_f32(np.arange(1, 31744))) / 2)[::2]
FLOATS = np.concatenate(
    [BITS.view(np.float32), EVEN, TIES.astype(np.float32), np.array([-0.0, 65519, 255.99, 3.4e38], np.float32)]
)
# noise, numbers above zero, whole ones beside 254, and an outlier
NOISE = RNG.normal(size=(4, 512)).astype(np.float32)
NUMBERS = [
    NOISE,
    np.abs(NOISE) + 3,
    np.rint(99 * NOISE).clip(-254, 254),
    NOISE * np.where(np.arange(512) % 300 == 7, 999, 1),
]
NUMBERS[2][:, ::32] = 254
# bytes whose halves are small and odd numbers too
RAW = {size: RNG.integers(0, 256, (40, 2 * size), np.uint8) for size in (18, 20, 22, 24, 34, 144, 210, 292)}
SIZES = {"q4_0": 18, "q4_1": 20, "q5_0": 22, "q5_1": 24, "q8_0": 34, "q4_k": 144, "q6_k": 210, "q8_k": 292}


def given(function: str) -> list[Any]:
    if function in ("f16_to_f32", "bf16_to_f32"):
        return [np.arange(65536)]
    if function in ("f32_to_f16", "f32_to_bf16"):
        return [FLOATS]
    if function.startswith("dequantize_"):
        return [RAW[SIZES[function.removeprefix("dequantize_")]]]
    return [one.astype(np.float32) for one in NUMBERS]


def bare(result: Any) -> list[Any]:
    return list(result) if isinstance(result, tuple) else [result]


@pytest.mark.parametrize("name", sorted(MUTANTS))
def test_a_fault_gives_another_result_of_the_same_kind(name: str) -> None:
    fault = MUTANTS[name]
    assert fault.fault
    differ = False
    with np.errstate(all="ignore"):
        for x in given(fault.function):
            kept = x.copy()
            sound, faulty = bare(getattr(quants, fault.function)(x)), bare(fault.call(x))
            assert np.array_equal(x, kept, equal_nan=x.dtype.kind == "f")
            assert [one.ndim for one in faulty] == [one.ndim for one in sound]
            if name != "activations-q8_k-not-rounded":  # it gives floats for codes, as nothing was rounded
                assert [one.dtype for one in faulty] == [one.dtype for one in sound]
            differ |= any(
                one.shape != other.shape or not np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
                or (one.dtype.kind == "f" and not np.array_equal(np.signbit(one), np.signbit(other)))
                for one, other in zip(sound, faulty, strict=True)
            )  # fmt: skip
    assert differ


@pytest.mark.parametrize("name", sorted(set(MUTANTS) - {"q8_0-scale-as-float32", "q6_k-padded"}))
def test_a_fault_keeps_the_shape(name: str) -> None:
    fault = MUTANTS[name]
    with np.errstate(all="ignore"):
        for x in given(fault.function):
            sound, faulty = bare(getattr(quants, fault.function)(x)), bare(fault.call(x))
            assert [one.shape for one in faulty] == [one.shape for one in sound]


def test_every_fault_is_named_by_a_claim_and_planted() -> None:
    named = set()
    for contract in NAMES:
        for claim in yaml.safe_load((CONTRACTS / f"{contract}-v1.yaml").read_text(encoding="utf-8"))[
            "falsification_tests"
        ]:
            named |= {entry["id"] for entry in claim["mutants"]}
    assert named == set(MUTANTS)
