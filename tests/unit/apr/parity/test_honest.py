"""A slice of `make bench-honest`, and that it can fail."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from apr.engines.llama_cpp.providers import providers
from apr.mutants.nulls import MUTANTS

if TYPE_CHECKING:
    from types import ModuleType

SCRIPT = Path(__file__).resolve().parents[4] / "benchmarks" / "honest.py"
pytestmark = [pytest.mark.oracle, pytest.mark.skipif(not providers(), reason="no llama.cpp library")]


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("honest_benchmark", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def test_a_slice_raises_no_alarm(benchmark: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--comparisons", "600", "--seed", "11", "--types", "F32,Q8_0,Q4_1,Q4_K,Q6_K,TQ2_0"]) == 0
    shown = capsys.readouterr().out
    assert "600 honest comparisons, 0 alarms at alpha 1e-06" in shown
    for kind in ("Q8_0", "F32 in_lanes", "attention", "lm_head", "f64 against ggml", "ggml against f32"):
        assert f"\n{kind} " in shown


def test_a_null_model_that_forgets_something_raises_alarms(
    benchmark: ModuleType, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(*MUTANTS["depth-forgotten"].planted())
    monkeypatch.setattr(benchmark, "_PRODUCTS", 1.0)
    assert benchmark.main(["--comparisons", "48", "--types", "F32"]) == 1
    shown = capsys.readouterr().out
    assert "alarm: product, F32 in_order, Pair(judge='f64', other='f32')" in shown
    assert "48 honest comparisons, 0 alarms" not in shown
