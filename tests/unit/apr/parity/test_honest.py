"""A slice of `make bench-honest`, and that it can fail."""

from __future__ import annotations

import collections
import importlib.util
import itertools
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from apr.engines.llama_cpp.providers import providers
from apr.mutants.nulls import MUTANTS
from apr.parity.honest import JUDGES

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
    assert f"\nllama.cpp: {', '.join(provider.build for provider in providers())}" in shown
    assert (" and no other build; " in shown) == (len(providers()) == 1)
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


def test_every_comparison_is_one(benchmark: ModuleType) -> None:
    # numpy in arithmetic f64 is not judged by numpy in arithmetic f64: all six tests would be 0 whatever the null model
    rng = np.random.Generator(np.random.PCG64(2))
    pairs: collections.Counter[tuple[str, str]] = collections.Counter()
    for comparison in itertools.islice(benchmark.of_models(rng, providers()[:1], 1), 460):
        engine = comparison.what.rpartition(", ")[2]
        pairs[engine, comparison.pair.judge] += 1
        assert engine != f"numpy {comparison.pair.judge}"
    judged = {(f"numpy {a}", b) for a in JUDGES for b in JUDGES if a != b} | {
        (f"llama.cpp {providers()[0].name}", b) for b in JUDGES
    }
    assert set(pairs) == judged


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--comparisons", "0"], "error: --comparisons 0 compares nothing; "),
        (["--comparisons", "-3"], "error: --comparisons -3 compares nothing; "),
        (["--types", "F32,FOO"], "error: --types: there is no kernel for 'FOO'; "),
        ([], "error: no llama.cpp library was found; "),
    ],
)
def test_what_it_cannot_do_it_refuses_in_a_line(
    benchmark: ModuleType,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    said: str,
) -> None:
    if not arguments:
        monkeypatch.setattr(benchmark, "providers", list)
    assert benchmark.main(arguments) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(said)
    assert shown.err.count("\n") == 1
