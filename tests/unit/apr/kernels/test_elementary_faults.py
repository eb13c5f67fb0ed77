"""Faults of softmax, norms, activations, losses and sums: each is one, is found by its values, and is named by its contract."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from apr import kernels
from apr.mutants.library import activations, elementwise, losses, norms, softmax

f32 = partial(np.array, dtype=np.float32)

CONTRACTS = Path(__file__).resolve().parents[4] / "contracts"
NAMES = ("softmax", "rms-norm", "layer-norm", "silu", "gelu", "swiglu", "bias-add", "residual", "cross-entropy")
FAULTS = {
    name: fault
    for module in (softmax, norms, activations, losses, elementwise)
    for name, fault in module.MUTANTS.items()
}
X = f32([[-7, -2.5, 0.3, 2.7], [90, 12, 12, -30.1], [70000, 3, 1e-3, -1], [0, 0, 0, 0]])
SMALL = f32([[0.1, -0.2, 0.25, 0.4], [-3, 0.5, 1e3 + 0.3, 8], [1, 2, 3, 4.1], [-90, 7, 0.01, 3]])
WEIGHT, BIAS = f32([0.5, 3, -2, 1.1]), f32([0.3, 5, -1.7, 60.1])
HIDDEN = np.where(np.eye(4, dtype=bool), np.float32(-np.inf), SMALL)
BROKEN = np.where(np.eye(4, dtype=bool), np.float32(np.nan), SMALL)
LEFT, RIGHT = -np.abs(X) - 5, np.abs(X) + 90
GIVEN: dict[str, list[tuple[Any, ...]]] = {
    **{name: [(X,), (SMALL,), (LEFT,), (RIGHT,)] for name in ("silu", "gelu", "gelu_tanh", "log_softmax")},
    "softmax": [(X,), (SMALL,), (HIDDEN,), (BROKEN,)],
    "rms_norm": [(X, WEIGHT, 1e-3), (SMALL, WEIGHT, 1e-6), (X * np.float32(4e33), WEIGHT, 1e-3)],
    "layer_norm": [
        (X, WEIGHT, BIAS, 1e-3),
        (SMALL + np.float32(9000), WEIGHT, BIAS, 1e-6),
        (SMALL * np.float32(1e-5), WEIGHT, BIAS, 1e-6),
    ],
    "swiglu": [(X, SMALL), (SMALL, X)],
    "bias_add": [(X, BIAS), (SMALL, WEIGHT)],
    "residual_add": [(X, SMALL), (SMALL, SMALL[::-1])],
    "cross_entropy": [(X, np.array([0, 3, 2, 1])), (SMALL, np.array([3, 1, 0, 0]))],
}


def _results(function: Any, name: str) -> list[Any]:
    with np.errstate(all="ignore"):
        copies = [[np.array(one) if isinstance(one, np.ndarray) else one for one in given] for given in GIVEN[name]]
        return [(function(*given), given) for given in copies]


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_gives_another_result_of_the_same_kind(name: str) -> None:
    fault = FAULTS[name]
    sound, faulty = (_results(one, fault.function) for one in (getattr(kernels, fault.function), fault.call))
    pairs = list(zip(sound, faulty, strict=True))
    for (good, _), (bad, _) in pairs:
        assert (bad.shape, bad.dtype) == (good.shape, good.dtype)
    values_differ = any(not np.array_equal(good, bad, equal_nan=True) for (good, _), (bad, _) in pairs)
    inputs_differ = any(
        not np.array_equal(np.asarray(before), np.asarray(after), equal_nan=True)
        for (_, kept), (_, written) in pairs
        for before, after in zip(kept, written, strict=True)
    )
    assert values_differ or inputs_differ


def test_every_fault_is_refuted_by_a_claim_about_its_function() -> None:
    named: dict[str, set[str]] = {}
    for contract in NAMES:
        data = yaml.safe_load((CONTRACTS / f"{contract}-v1.yaml").read_text())
        for claim in data["falsification_tests"]:
            for one in claim["mutants"]:
                named.setdefault(one["id"], set()).add(one["stage"])
                assert claim["binds_to"] == one["stage"]
    assert named == {name: {fault.function} for name, fault in FAULTS.items()}
