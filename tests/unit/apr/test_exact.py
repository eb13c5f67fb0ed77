"""Exact arithmetic in whole: free runs that are llama.cpp's bit by bit, the self-test, and refusals."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture, Provenance
from apr.engines.llama_cpp import exactness, probe_models
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.llama_cpp.providers import providers
from apr.engines.reference import Reference
from apr.errors import NotComparable, OracleError, UnsupportedModel
from apr.formats import open_model
from apr.mutants.exact import STRANGERS
from apr.ops.activation import silu
from apr.ops.arithmetic import EXACT, F32, GGML, arithmetic
from apr.ops.exact.attention import attend_exact
from apr.ops.exact.rope import angles_exact, rotate_exact, turns_exact
from apr.ops.rope import Rope, Yarn, angles_ggml, rotate, turns
from apr.parity.comparable import check_provenance
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

FOUND = providers()
needs_library = pytest.mark.skipif(not FOUND, reason="no llama.cpp library: pip install xllamacpp")
POSITIONS = np.arange(9)


def same(a: NDArray[np.float32], b: NDArray[np.float32]) -> bool:
    return a.shape == b.shape and a.tobytes() == b.tobytes()


@needs_library
@pytest.mark.oracle
@pytest.mark.parametrize("provider", FOUND, ids=lambda provider: provider.name)
def test_the_self_test_believes_the_libraries_here(provider: Any) -> None:
    shown = exactness.check(provider)
    assert shown.build == provider.build
    assert shown.stages > 300
    assert shown.elements > 100_000


@needs_library
@pytest.mark.oracle
@pytest.mark.parametrize("stranger", ["exact-lanes-in-order", "exact-power-ulp", "exact-registers-in-order"])
def test_and_refuses_other_kernels(stranger: str) -> None:
    # a fault that is one ulp of an angle is no kernel, and yet it is seen
    from apr.mutants.exact import MUTANTS

    holder: Any = SimpleNamespace(arithmetic=EXACT)
    faulty: Any = MUTANTS[stranger]
    with pytest.raises(OracleError, match=r"`exact` is not this library's: \d+ of \d+ elements of .* differ"):
        exactness.check(None, faulty.plant(holder).arithmetic)
    assert stranger in STRANGERS or stranger.endswith("ulp")


@pytest.mark.parametrize(
    ("instructions", "reason"),
    [
        ({"AVX2", "FMA", "F16C", "AVX512"}, "built for AVX512"),
        ({"NEON"}, "built without AVX2, FMA, F16C"),
        ({"AVX2", "FMA", "F16C"}, "its release or its compiler"),
    ],
)
def test_the_refusal_says_why(instructions: set[str], reason: str) -> None:
    key = StageKey("attn_norm", 0)
    provenance = Provenance("numpy", "", "exact", "llama", "0" * 64, (1, 2), (0, 1), None)
    one = Capture(provenance, {key: np.ones((2, 4), np.float32)})
    other = Capture(provenance, {key: np.ones((2, 4), np.float32)})
    oracle: Any = SimpleNamespace(instructions=frozenset(instructions), build="some build")
    exactness._compare(one, other, oracle)
    other.stages[key][1, 2] += np.float32(1e-7)
    with pytest.raises(OracleError, match=f"some build: .* 1 of 8 elements of layer-0/attn_norm .* {reason}"):
        exactness._compare(one, other, oracle)


@needs_library
@pytest.mark.oracle
@pytest.mark.parametrize(
    "options",
    [
        {"heads": 1, "kv_heads": 1, "head_dim": 64},
        {"tied": True},
        {"layers": 1, "heads": 8},
        {"head_dim": 24},
        # two kernels for as many positions as there are or fewer: super-blocks from 8 on, F16 from 2 on
        {"weights": "Q4_K_M", "hidden": 256, "feed_forward": 256},
        {"weights": "F16"},
        # dividing by 3 is not multiplying with a third
        {"metadata": (("llama.rope.scaling.type", "linear"), ("llama.rope.scaling.factor", 3.0))},
    ],
)
def test_free_runs_are_llama_cpps(tmp_path: Path, maker: Any, options: dict[str, Any]) -> None:
    spec = maker.Spec(**{"weights": "Q4_1", "hidden": 128, "feed_forward": 160} | options)
    file = open_model(maker.write_model(tmp_path / "m.gguf", spec))
    subject = Reference(file, EXACT)
    with LlamaCpp(file) as oracle:
        for count in (1, 2, 7, 8, 9, 32):
            theirs = oracle.capture([7 * n + 3 for n in range(count)])
            ours = subject.capture(theirs.provenance.tokens)
            assert [str(key) for key in ours.stages if not same(ours[key], theirs[key])] == []


@needs_library
@pytest.mark.oracle
@pytest.mark.parametrize("count", [31, 32, 33])
def test_sums_of_products_too_small_for_float32_are_plus_zero(tmp_path: Path, maker: Any, count: int) -> None:
    # one token again and again: a channel's values are a few times the smallest number, of one sign, and weighed by 1/count they
    # vanish, to -0 where the sign is minus; ggml adds the cells that hold nothing, and +0 is left
    spec = maker.Spec(layers=1)
    weights = maker.tensors(spec)
    weights["blk.0.attn_v.weight"] = np.sign(weights["blk.0.attn_v.weight"]) * np.float32(2.0**-149)
    file = open_model(maker.write_model(tmp_path / "m.gguf", spec, weights))
    key = StageKey("attention", 0)
    with LlamaCpp(file) as oracle:
        theirs = oracle.capture([7] * count)[key]
    ours = Reference(file, EXACT).capture([7] * count)[key]
    assert same(ours, theirs)
    assert (theirs[-1] == 0).any()
    assert not np.signbit(theirs[-1][theirs[-1] == 0]).any()


@needs_library
@pytest.mark.oracle
def test_types_and_experts_of_the_probe_models(tmp_path: Path) -> None:
    for architecture in probe_models.ARCHITECTURES:
        file = open_model(probe_models.write(tmp_path / f"{architecture}.gguf", architecture))
        used = {
            tensor.type_name for name, tensor in file.tensors.items() if ("_exps" in name) == ("moe" in architecture)
        }
        assert used >= set(probe_models.TYPES)
        for rows in file.tensors:
            assert np.isfinite(Reference(file, F32).model.weights.dequantised(rows)).all()
        logits = Reference(file, F32).capture([1, 2, 3])[StageKey("lm_head", None)]
        assert 0.01 < logits.std() < 100  # the weights are of a size that keeps numbers apart


def test_a_run_that_goes_on_is_the_run_in_one(tiny_llama: Callable[..., Path]) -> None:
    # rows do not depend on how many there are, as long as kernels are the same: two passes of five against one of ten
    file = open_model(tiny_llama())
    reference = Reference(file, EXACT)
    tokens = [5, 9, 2, 77, 31, 8, 100, 4, 3, 60]
    session = reference.session(16)
    session.feed(tokens[:5])
    logits = session.feed(tokens[5:])
    whole = reference.capture(tokens)[StageKey("lm_head", None)][-1]
    assert np.abs(logits - whole).max() < 1e-4


def test_angles_turn_as_ggmls_do() -> None:
    for rope in (
        Rope("norm", 10000.0, 64),
        Rope("neox", 1e6, 32, 4.0),
        Rope("norm", 5e5, 8, 1.0, (1.0, 2.0, 4.0, 8.0)),
    ):
        ours = angles_exact(POSITIONS, rope)
        assert np.abs(ours - angles_ggml(POSITIONS, rope)).max() < 1e-6
        assert (ours == ours.astype(np.float32)).all()
        x = np.random.Generator(np.random.PCG64(1)).standard_normal((9, 2, 64)).astype(np.float32)
        turned = rotate_exact(x, turns_exact(ours, rope, np.dtype(np.float32)), rope)
        plainly = rotate(x.astype(np.float64), turns(ours, rope, np.dtype(np.float64)), rope)
        assert np.abs(turned - plainly).max() < 1e-6
        assert (turned[..., rope.dims :] == x[..., rope.dims :]).all()


def test_yarn_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="no kernel for rope scaling by YaRN"):
        angles_exact(POSITIONS, Rope("neox", 10000.0, 64, 4.0, None, Yarn(2048)))


@pytest.mark.parametrize(("heads", "width", "keys"), [(2, 64, 9), (1, 64, 9), (2, 6, 9), (3, 4, 300)])
def test_attention_is_attention(heads: int, width: int, keys: int) -> None:
    random = np.random.Generator(np.random.PCG64(2))
    q, k, v = (random.standard_normal((n, heads, width)).astype(np.float32) for n in (3, keys, keys))
    mask = np.arange(keys)[None] <= keys - 3 + np.arange(3)[:, None]
    if width % 4:
        with pytest.raises(UnsupportedModel, match="dot product of 6"):
            attend_exact(q, k, v, mask, 0.5)
        return
    out = attend_exact(q, k, v, mask, 0.5).reshape(3, heads, width)
    for head in range(heads):
        scores = np.where(mask, q[:, head].astype(np.float64) @ k[:, head].T * 0.5, -np.inf)
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        plainly = weights / weights.sum(axis=1, keepdims=True) @ v[:, head]
        assert np.abs(out[:, head] - plainly).max() < 2e-6


def test_exact_goes_with_ggml_and_with_nothing_else() -> None:
    here = Provenance("numpy", "", "exact", "llama", "0" * 64, (1,), (0,), None)
    assert check_provenance(here, dataclasses.replace(here, arithmetic="ggml")) == ()
    assert check_provenance(dataclasses.replace(here, arithmetic="ggml"), here) == ()
    with pytest.raises(NotComparable, match="arithmetic exact against f32"):
        check_provenance(here, dataclasses.replace(here, arithmetic="f32"))
    assert arithmetic("exact") is EXACT
    assert GGML.silu is silu
