"""Every fault of attention is a function of the same shape and dtype whose results are wrong for plain inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apr import kernels
from apr.mutants.library.attention import MUTANTS


def _arguments(function: str, rng: np.random.Generator) -> list[Any]:
    n, shared, width = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(2, 5))
    long = int(rng.integers(17, 30)) if function == "cached_attention" else n + int(rng.integers(0, 5))
    heads, scale = shared, float(rng.choice([0.25, 2.0]))
    if function in ("grouped_attention", "cached_attention"):
        heads = shared * int(rng.integers(1, 4))
    queries = long if function == "cached_attention" else n
    size = float(rng.choice([1.0, 60.0]))
    q, k, v = (
        (size * rng.normal(size=shape)).astype(np.float32)
        for shape in ((queries, heads, width), (long, shared, width), (long, shared, width))
    )
    if function == "attention" and rng.integers(2):  # what a mask that is added lets through
        k[-1] = np.inf
    window, block = int(rng.integers(1, 4)), int(rng.integers(1, 4))
    if "window" in function:
        k[: max(0, long - n - window + 1)] = np.inf
        v[: max(0, long - n - window + 1)] = np.nan if function.startswith("flash") else 1.0
    if function == "qk_norm":
        x, gain = (rng.normal(size=(n, 3, 4)).astype(np.float32) for _ in range(2))
        x[0, 0] = 0
        return [np.float32(rng.choice([300, 0.1])) * x, gain[0, 0], 1e-3]
    arguments: dict[str, list[Any]] = {
        "head_scale": [int(rng.integers(2, 300))],
        "attention_weights": [q, k, scale],
        "attention": [q, k, v, scale],
        "attention_full": [q, k, v, scale],
        "grouped_attention": [q, k, v, scale],
        "sliding_window_attention": [q, k, v, scale, window],
        "flash_attention": [q, k, v, scale, block],
        "flash_window_attention": [q, k, v, scale, window, block],
        "cached_attention": [q, k, v, scale, rng.integers(0, 2, long).astype(np.bool_)],
    }
    return arguments[function]


def _copied(arguments: list[Any]) -> list[Any]:
    return [one.copy() if isinstance(one, np.ndarray) else one for one in arguments]


@pytest.mark.parametrize("name", MUTANTS)
def test_the_fault_shows(name: str) -> None:
    planted = MUTANTS[name]
    rng = np.random.default_rng(8)
    for _ in range(60):
        given = _arguments(planted.function, rng)
        used = _copied(given)
        with np.errstate(all="ignore"):
            wanted = np.asarray(getattr(kernels, planted.function)(*_copied(given)))
            got = np.asarray(planted.call(*used))
        assert got.shape == wanted.shape
        assert got.dtype == wanted.dtype
        same_inputs = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(given, used, strict=True) if np.ndim(a))
        close = np.allclose(got, wanted, rtol=1e-5, atol=1e-6, equal_nan=True)
        if not (same_inputs and close):
            return
    pytest.fail(f"does no harm: {planted.fault}")


def test_a_fault_takes_the_place_of_a_kernel() -> None:
    assert {planted.function for planted in MUTANTS.values()} <= set(kernels.__all__)
    assert all(planted.name == name and planted.fault for name, planted in MUTANTS.items())
