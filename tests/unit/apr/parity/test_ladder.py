"""Shares of a drift add up, and each step is found where it was put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apr.engines.reference import Reference
from apr.formats.gguf import read_gguf
from apr.ops.arithmetic import F32, F64, GGML
from apr.parity.ladder import CACHE, half_cache, ladder, variants
from apr.parity.result import Kind
from apr.parity.sides import Judge
from apr.stages import StageKey

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.capture import Capture

RNG = np.random.default_rng(5)
START = RNG.standard_normal((8, 32))
TOKENS = [(7 * i + 3) % 200 for i in range(12)]
IDS, PLACES = np.asarray(TOKENS), np.arange(12)


def step(size: float) -> NDArray[np.float64]:
    return np.asarray(size * RNG.standard_normal(START.shape))


def test_each_step_gets_its_share() -> None:
    a, b, c = step(1e-3), step(5e-4), step(1e-4)
    rungs = ladder(START + a + b + c, [("float64", START), ("first", START + a), ("second", START + a + b)])
    assert [rung.name for rung in rungs] == ["first", "second", "accumulation order"]
    whole = (a + b + c).ravel()
    for rung, one in zip(rungs, (a, b, c), strict=True):
        assert rung.share == pytest.approx(one.ravel() @ whole / (whole @ whole))
    assert sum(rung.share for rung in rungs) == pytest.approx(1, abs=1e-12)


@settings(max_examples=80, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_shares_add_up_to_one(sizes: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    steps = [("float64", START)]
    steps += [(f"step {i}", START + size * rng.standard_normal(START.shape)) for i, size in enumerate(sizes)]
    rungs = ladder(START + 0.1 * rng.standard_normal(START.shape), steps)
    assert sum(rung.share for rung in rungs) == pytest.approx(1, abs=1e-9)


def test_a_step_that_the_engine_does_not_take_is_no_rung() -> None:
    a, strange = step(1e-6), step(1e-2)
    rungs = ladder(START + a, [("float64", START), ("activation rounding", START + strange), ("float32", START + a)])
    assert [(rung.name, rung.share) for rung in rungs] == [("float32", 1.0)]


@pytest.mark.parametrize(("away", "stands"), [(0.1, True), (0.06, True), (0.04, False)])
def test_a_step_is_a_rung_where_it_takes_a_twentieth_of_the_squares_away(away: float, stands: bool) -> None:
    drift = step(1e-3)
    nearer = START + drift * (1 - np.sqrt(1 - away))
    rungs = ladder(START + drift, [("float64", START), ("small", nearer)])
    assert [rung.name for rung in rungs] == [*(["small"] if stands else []), "accumulation order"]


@pytest.mark.parametrize(
    ("kind", "rest"),
    [(Kind("weight block", "", 1.0), "weights"), (Kind("gain", "", 1.0), "operation"), (None, "accumulation order")],
)
def test_what_nothing_explains_is_named_after_the_kind_of_error(kind: Kind | None, rest: str) -> None:
    rungs = ladder(START * 1.5, [("float64", START)], kind=kind)
    assert [rung.name for rung in rungs] == [rest]


def test_no_drift_has_no_rungs_and_nan_neither() -> None:
    assert ladder(START, [("float64", START)]) == ()
    assert ladder(START * np.nan, [("float64", START)]) == ()


@pytest.mark.parametrize("steps", [[], [("float64", START[1:])]])
def test_steps_that_do_not_fit(steps: list[tuple[str, Any]]) -> None:
    with pytest.raises(ValueError, match=r"no step|shapes"):
        ladder(START, steps)


@pytest.fixture(scope="module")
def judge(maker: Any, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    path = tmp_path_factory.mktemp("ladder") / "model.gguf"
    return Judge(read_gguf(maker.write_model(path, maker.Spec(weights="Q4_1", layers=2, hidden=128))))


@pytest.fixture(scope="module")
def capture(judge: Judge) -> Capture:
    return Reference(judge.file, GGML).capture(TOKENS)


def names(judge: Judge, key: StageKey, actual: Any, capture: Capture) -> dict[str, float]:
    steps = variants(judge.model, key, IDS, PLACES, capture.stages)
    return {rung.name: rung.share for rung in ladder(actual, steps)}


@pytest.mark.parametrize("stage", ["qkv_matmul", "attn_out", "ffn_out"])
def test_the_drift_of_a_quantised_product_is_the_rounding_of_activations(
    judge: Judge, capture: Capture, stage: str
) -> None:
    key = StageKey(stage, 1)
    found = names(judge, key, capture[key], capture)
    assert found["activation rounding"] == pytest.approx(1, abs=1e-3)


def test_an_engine_in_float32_has_no_rounding_of_activations(judge: Judge, capture: Capture) -> None:
    key = StageKey("ffn_up", 0)
    actual = judge.model(F32.name).compute(key, IDS, PLACES, capture.stages)
    assert names(judge, key, actual, capture) == {"float32 operations": 1.0}


@pytest.mark.parametrize("arithmetic", [F64, F32, GGML])
def test_a_cache_of_halves_is_found_in_attention(judge: Judge, capture: Capture, arithmetic: Any) -> None:
    key, model = StageKey("attention", 1), judge.model(arithmetic.name)
    actual = model.compute(key, IDS, PLACES, half_cache(model, key, capture.stages))
    found = names(judge, key, actual, capture)
    assert found[CACHE] == pytest.approx(1, abs=0.01)
    sound = model.compute(key, IDS, PLACES, capture.stages)
    assert CACHE not in names(judge, key, sound, capture)


def test_llama_cpps_rotation_is_its_angles(judge: Judge, capture: Capture) -> None:
    key = StageKey("q_post_rope", 0)
    assert next(iter(names(judge, key, capture[key], capture))) in ("rotation angles", "float32 operations")


def test_a_weight_that_is_off_is_what_remains(judge: Judge, capture: Capture) -> None:
    key = StageKey("ffn_up", 0)
    actual = np.array(capture[key])
    actual[:, 3] += 0.5
    steps = variants(judge.model, key, IDS, PLACES, capture.stages)
    found = {rung.name: rung.share for rung in ladder(actual, steps, kind=Kind("weight element", "", 1.0))}
    assert found["weights"] > 0.9
