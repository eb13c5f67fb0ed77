"""Routing and dispatch of the library are those of a forward pass of a mixture of experts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr import kernels
from apr.formats import open_model
from apr.models import free_run, load
from apr.ops.arithmetic import F32
from apr.stages import StageKey
from tinymodels import FILES, write_model

if TYPE_CHECKING:
    from pathlib import Path

TOKENS = np.array([4, 30, 77, 4, 5, 6, 200, 9])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, dict[StageKey, Any]]:
    """A mixture of experts in float32, and the stages of a pass."""
    path: Path = tmp_path_factory.mktemp("moe") / "x.gguf"
    model = load(open_model(write_model(path, FILES["qwen3moe-f32"].spec)), F32)
    return model, dict(free_run(model, TOKENS, np.arange(len(TOKENS))))


def _weight(model: Any, part: str) -> Any:
    return model.weights.dequantised(f"blk.1.ffn_{part}.weight")


def test_the_route_is_that_of_a_pass(run: tuple[Any, dict[StageKey, Any]]) -> None:
    model, stages = run
    logits = F32.linear(stages[StageKey("ffn_norm", 1)], model.weights, "blk.1.ffn_gate_inp.weight")
    weights, chosen = kernels.moe_route(logits, model.experts.used)
    assert np.array_equal(chosen, stages[StageKey("moe_router_indices", 1)])
    assert np.array_equal(weights, stages[StageKey("moe_router", 1)])
    assert weights.dtype == np.float32


def test_the_dispatch_is_that_of_a_pass(run: tuple[Any, dict[StageKey, Any]]) -> None:
    model, stages = run
    x, chosen, weights = (stages[StageKey(name, 1)] for name in ("ffn_norm", "moe_router_indices", "moe_router"))
    gate, up, down = (_weight(model, part) for part in ("gate_exps", "up_exps", "down_exps"))
    out = kernels.moe_dispatch(x, gate, up, down, chosen.astype(np.intp), weights)
    assert out.dtype == np.float32
    assert np.array_equal(out, stages[StageKey("moe_ffn_out", 1)])


def test_one_expert_is_the_whole_mixture() -> None:
    rng = np.random.default_rng(5)
    x, gate, up = (rng.normal(size=shape).astype(np.float32) for shape in ((3, 4), (1, 5, 4), (1, 5, 4)))
    down = rng.normal(size=(1, 4, 5)).astype(np.float32)
    weights, chosen = kernels.moe_route(np.zeros((3, 1), np.float32), 1)
    assert weights.tolist() == [[1.0]] * 3
    got = kernels.moe_dispatch(x, gate, up, down, chosen, weights)
    hidden = x @ gate[0].T
    wanted = (hidden / (1 + np.exp(-hidden)) * (x @ up[0].T)) @ down[0].T
    assert got == pytest.approx(wanted, rel=1e-5)


def test_out_of_reach_experts_are_taken_by_index() -> None:
    # exp(-150) and exp(-200) are both 0 in float32: a known end of what a choice among probabilities can see
    weights, chosen = kernels.moe_route(np.array([[0.0, -200.0, -150.0]], np.float32), 2)
    assert chosen.tolist() == [[0, 1]]
    assert weights.tolist() == [[1.0, 0.0]]
