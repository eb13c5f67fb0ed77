"""Every fault of routing, dispatch, shapes and sizes gives what the sound function does not, for plain inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr import kernels
from apr.kernels import shapes
from apr.models import KvCache
from apr.mutants import caches, inventories
from apr.mutants.library import MUTANTS as LIBRARY
from apr.mutants.library import routing as routing_faults
from apr.mutants.library import shapes as shape_faults

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.mutants.library.planting import KernelMutant

ALL = {**routing_faults.MUTANTS, **shape_faults.MUTANTS}


def _routing(function: str, rng: np.random.Generator) -> list[Any]:
    t, e, h, m = (int(rng.integers(2, 5)) for _ in range(4))
    k = int(rng.integers(1, e + 1))
    logits = rng.choice([-1.0, 0.0, 2.0, 100.0], (t, e)).astype(np.float32)
    p = rng.choice([0.125, 0.25, 0.5], (t, e)).astype(np.float32)
    chosen = np.argsort(rng.random((t, e)))[:, :k]
    gate, up, down = (rng.normal(size=s).astype(np.float32) for s in ((e, m, h), (e, m, h), (e, h, m)))
    unasked = np.setdiff1d(np.arange(e), chosen)
    down[unasked] = np.nan
    x, weights = rng.normal(size=(t, h)).astype(np.float32), rng.random((t, k)).astype(np.float32)
    given: dict[str, list[Any]] = {
        "moe_route": [logits, k],
        "choose_experts": [p, k],
        "expert_weights": [p, chosen],
        "moe_dispatch": [x, gate, up, down, chosen, weights],
    }
    return given[function]


def _sizes(function: str, rng: np.random.Generator) -> list[Any]:
    def whole(low: int, high: int) -> int:
        return int(rng.integers(low, high + 1))

    kv = whole(1, 4)
    heads = [kv * whole(1, 4), kv, 2 * whole(1, 40), whole(1000, 200_000)]
    positions, tied = whole(1, 40), bool(whole(0, 1))
    matrices, rows, columns = whole(2, 4), whole(2, 4), whole(2, 4)
    x = rng.normal(size=(positions, 2)).astype(np.float32)
    key_length, kv_said = whole(0, 8), whole(0, 8)
    raw = rng.integers(0, 200, 4 * rows * columns).astype(np.uint8)
    theta = float(rng.choice([1e4, 0.0, np.nan]))
    if function.startswith(("tensor_shapes", "parameters")):
        inner = [whole(1, 8), whole(1, 500)] if function.endswith("moe") else [whole(1, 4000)]
        return [whole(1, 3), whole(1, 4000), *inner, *heads, tied]
    if function.startswith("flow"):
        inner = [8, whole(1, 8), whole(1, 500)] if function.endswith("moe") else [whole(1, 4000)]
        return [whole(1, 4000), *inner, *heads]
    given: dict[str, list[Any]] = {
        "config_widths": [heads[0] * 2 * whole(1, 9), heads[0], kv * whole(0, 1), 2 * key_length],
        "config_is_read": [whole(1, 40), whole(1, 6), kv_said, key_length, theta, float(rng.choice([1e-5, 0.0]))],
        "experts_are_read": [whole(1, 4), whole(1, 6), 1],
        "kv_head_of": heads[:2],
        "kv_cache_bytes": [whole(1, 200_000), whole(1, 128), 64, 256, 4],
        "kv_cache_held": [whole(1, positions), positions, 2, 3, 4, int(rng.choice([2, 8]))],
        "kv_cache_rows": [x, whole(1, positions)],
        "padded": [int(rng.choice([64, 65, 128, 100])), int(rng.choice([32, 64, 128]))],
        "tensor_bytes": [int(rng.choice([6, 8, 13, 14])), rows, int(rng.choice([32, 256, 288]))],
        "filled_bytes": [12, rows, whole(1, 600)],
        "shape_of_dims": [rng.integers(1, 9, 3)],
        "matrix_of_bytes": [raw, rows, columns],
        "packed_matrix": [
            rng.integers(0, 255, (matrices * rows, 3)).astype(np.uint8),
            matrices,
            whole(0, matrices - 1),
        ],
    }
    return given[function]


def _result(call: Callable[..., Any], given: list[Any]) -> list[Any]:
    """What comes out, and what the arrays that went in hold afterwards."""
    used = [one.copy() if isinstance(one, np.ndarray) else one for one in given]
    with np.errstate(all="ignore"):
        out = call(*used)
    return [*(out if isinstance(out, tuple) else (out,)), *(one for one in used if isinstance(one, np.ndarray))]


def _harms(fault: KernelMutant, sound: Callable[..., Any], given: list[Any]) -> bool:
    wrong, right = _result(fault.call, given), _result(sound, given)
    return any(np.shape(a) != np.shape(b) or not _equal(a, b) for a, b in zip(wrong, right, strict=True))


def _equal(a: Any, b: Any) -> bool:
    """Whole numbers exactly, floats but for roundings."""
    rounded = np.asarray(b).dtype.kind == "f"
    return bool(np.allclose(a, b, rtol=1e-5 if rounded else 0, atol=0, equal_nan=rounded))


@pytest.mark.parametrize("name", ALL)
def test_the_fault_shows(name: str) -> None:
    fault = ALL[name]
    ours = fault.function in shapes.__all__
    sound = getattr(shapes if ours else kernels, fault.function)
    rng = np.random.default_rng(8)
    make = _sizes if ours else _routing
    assert any(_harms(fault, sound, make(fault.function, rng)) for _ in range(200)), fault.fault


def test_faults_are_in_the_library() -> None:
    assert set(ALL) <= set(LIBRARY)
    assert {fault.function for fault in ALL.values()} <= {*shapes.__all__, *kernels.__all__}


@pytest.mark.parametrize("name", inventories.MUTANTS)
def test_an_inventory_with_a_fault_is_another(name: str) -> None:
    asked = {"blk.0.attn_q.weight": (8, 4), "blk.0.attn_k.weight": (2, 4), "blk.0.attn_q.bias": (8,), "blk.0.attn_k.bias": (2,),
             "output_norm.weight": (4,)}  # fmt: skip
    assert inventories.MUTANTS[name].change(dict(asked)) != asked


@pytest.mark.parametrize("name", caches.MUTANTS)
def test_a_faulty_cache_keeps_something_else(name: str) -> None:
    sound, faulty = KvCache(2), caches.MUTANTS[name].make(2)
    for cache in (sound, faulty):
        for layer in range(2):
            cache.add(layer, np.ones((3, 4), np.float32), np.ones((3, 4), np.float32), np.arange(3))
    assert sound.nbytes == 2 * 2 * 3 * 4 * 4
    assert faulty.nbytes != sound.nbytes
