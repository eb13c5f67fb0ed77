"""The arithmetic of an engine is found from its stages, whatever it says and although one of them is faulty."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture
from apr.engines.reference import Reference
from apr.formats.gguf import read_gguf
from apr.mutants import model as faults
from apr.ops.arithmetic import ARITHMETICS
from apr.parity.fit import fit_arithmetic
from apr.parity.sides import Judge
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable

TOKENS = [(7 * i + 3) % 200 for i in range(20)]
NAMES = ["f64", "f32", "ggml"]


@pytest.fixture(scope="module")
def judge(maker: Any, tmp_path_factory: pytest.TempPathFactory) -> Judge:
    path = tmp_path_factory.mktemp("fit") / "model.gguf"
    return Judge(read_gguf(maker.write_model(path, maker.Spec(weights="Q4_1", layers=4, hidden=128))))


@pytest.fixture(scope="module")
def capture(judge: Judge) -> Callable[[str], Capture]:
    made = {name: Reference(judge.file, ARITHMETICS[name], judge.model(name)).capture(TOKENS) for name in NAMES}
    return made.__getitem__


def altered(capture: Capture, change: Callable[[Any], Any]) -> Capture:
    """Every stage changed as an engine with other rounding would have it."""
    return Capture(capture.provenance, {key: change(array) for key, array in capture.stages.items()})


@pytest.mark.parametrize("name", NAMES)
def test_each_arithmetic_is_found(judge: Judge, capture: Callable[[str], Capture], name: str) -> None:
    found = fit_arithmetic(judge.model, capture(name))
    assert found.arithmetic == name
    assert found.clear > 3
    assert str(found).startswith(f"fits {name} (")


@pytest.mark.parametrize("name", NAMES)
def test_what_an_engine_says_of_itself_does_not_count(
    judge: Judge, capture: Callable[[str], Capture], name: str
) -> None:
    assert fit_arithmetic(judge.model, capture(name), declared="ggml").arithmetic == name


@pytest.mark.parametrize("name", ["f32", "ggml"])
def test_another_order_of_summation_fits_too(judge: Judge, capture: Callable[[str], Capture], name: str) -> None:
    rng = np.random.default_rng(1)
    noisy = altered(capture(name), lambda x: (x * (1 + 2e-7 * rng.standard_normal(x.shape))).astype(np.float32))
    found = fit_arithmetic(judge.model, noisy)
    assert found.arithmetic == name
    assert not found.identical


def test_sums_in_float64_that_are_stored_in_float32_are_float32(
    judge: Judge, capture: Callable[[str], Capture]
) -> None:
    stored = altered(capture("f64"), lambda x: x.astype(np.float32))
    assert fit_arithmetic(judge.model, stored).arithmetic == "f32"


def test_only_identical_bits_are_exact(judge: Judge) -> None:
    engine = Reference(judge.file, ARITHMETICS["exact"], judge.model("exact")).capture(TOKENS)
    found = fit_arithmetic(judge.model, engine)
    assert (found.arithmetic, found.identical) == ("exact", True)
    rng = np.random.default_rng(1)
    noisy = altered(engine, lambda x: (x * (1 + 1e-7 * rng.standard_normal(x.shape))).astype(np.float32))
    assert fit_arithmetic(judge.model, noisy).arithmetic == "ggml"


@pytest.mark.parametrize("fault", ["attn-out-gain", "residual-missing", "gelu-for-silu", "rope-halves-for-pairs"])
def test_a_fault_in_one_stage_does_not_decide(judge: Judge, fault: str) -> None:
    faulty = faults.MUTANTS[fault].plant(judge.model("ggml"))
    assert (
        fit_arithmetic(judge.model, Reference(judge.file, ARITHMETICS["ggml"], faulty).capture(TOKENS)).arithmetic
        == "ggml"
    )


def test_a_stage_of_infinities_does_not_decide(judge: Judge, capture: Callable[[str], Capture]) -> None:
    stages = dict(capture("ggml").stages)
    stages[StageKey("ffn_up", 0)] = np.full_like(stages[StageKey("ffn_up", 0)], np.inf)
    assert fit_arithmetic(judge.model, Capture(capture("ggml").provenance, stages)).arithmetic == "ggml"


def test_an_engine_in_bfloat16_fits_nothing_and_the_reason_has_figures(
    judge: Judge, capture: Callable[[str], Capture]
) -> None:
    rounded = altered(
        capture("f32"), lambda x: (np.ascontiguousarray(x).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    )
    found = fit_arithmetic(judge.model, rounded)
    assert found.arithmetic is None
    assert "the nearest, f32, is 0.00" in found.reason
    assert str(found).startswith("fits no arithmetic: ")


def test_only_the_beginning_of_the_prompt_is_looked_at(judge: Judge, capture: Callable[[str], Capture]) -> None:
    def spoilt(x: Any) -> Any:
        out = np.array(x)
        out[16:] = 7.0
        return out

    assert fit_arithmetic(judge.model, altered(capture("f32"), spoilt)).arithmetic == "f32"


def test_a_capture_without_inputs_tells_nothing(judge: Judge, capture: Callable[[str], Capture]) -> None:
    key = StageKey("ffn_out", 0)
    found = fit_arithmetic(judge.model, Capture(capture("f32").provenance, {key: capture("f32")[key]}))
    assert (found.arithmetic, found.stages) == (None, 0)


def test_weights_in_float32_leave_it_to_the_engine_where_nothing_else_tells(maker: Any, tmp_path: Any) -> None:
    file = read_gguf(maker.write_model(tmp_path / "plain.gguf", maker.Spec(weights="F32", layers=1, hidden=64)))
    judge = Judge(file)
    engine = Reference(file, ARITHMETICS["f32"], judge.model("f32")).capture(TOKENS)
    rng = np.random.default_rng(1)
    noisy = altered(engine, lambda x: (x * (1 + 1e-6 * rng.standard_normal(x.shape))).astype(np.float32))
    found = {said: fit_arithmetic(judge.model, noisy, declared=said) for said in ("f32", "ggml")}
    assert {said: fit.arithmetic for said, fit in found.items()} == {"f32": "f32", "ggml": "ggml"}
    assert "cannot be told apart" in found["f32"].reason


def test_how_clear_it_is(judge: Judge, capture: Callable[[str], Capture]) -> None:
    found = fit_arithmetic(judge.model, capture("ggml"))
    assert found.identical
    assert math.isinf(found.clear)
    assert found.distances["f32"] > 1e-3
