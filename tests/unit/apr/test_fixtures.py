"""The committed fixtures are what their maker makes and what their manifest says."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants

from apr.engines.llama_cpp.providers import providers
from apr.engines.reference import Reference
from apr.formats import open_model
from apr.formats.apr import read_apr
from apr.formats.gguf import read_gguf
from apr.ops.arithmetic import F32

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"
MANIFEST: dict[str, dict[str, Any]] = json.loads((FIXTURES / "MANIFEST.json").read_text(encoding="utf-8"))
MODELS = sorted(name for name in MANIFEST if name.endswith(".gguf"))
IMPORTED = sorted(name for name in MANIFEST if name.endswith(".apr"))
LIMIT = 12_000_000  # bytes that the repository spends on fixtures


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_manifest_lists_every_file_with_its_hash() -> None:
    committed = {name for name, entry in MANIFEST.items() if entry["committed"]}
    scripts_and_caches = {".py", ".pyc", ".json"}
    data = {
        str(path.relative_to(FIXTURES))
        for path in FIXTURES.rglob("*")
        if path.is_file() and path.suffix not in scripts_and_caches
    }
    assert committed == data
    for name in committed:
        entry = MANIFEST[name]
        assert entry["sha256"] == sha256(FIXTURES / name)
        assert entry["bytes"] == (FIXTURES / name).stat().st_size
        assert entry["origin"]
        assert entry["licence"]
    assert sum(MANIFEST[name]["bytes"] for name in committed) < LIMIT


@pytest.mark.parametrize("name", MODELS)
def test_a_model_is_made_again_byte_for_byte(maker: ModuleType, tmp_path: Path, name: str) -> None:
    file, entry = maker.FILES[Path(name).stem], MANIFEST[name]
    builds = [provider.build for provider in providers()]
    if file.needs_llama_cpp and entry["quantiser"] not in builds:
        pytest.skip(f"made with the quantiser of {entry['quantiser']}, here there is {builds or 'none'}")
    assert sha256(file.make(tmp_path / Path(name).name)) == entry["sha256"]
    assert file.committed == entry["committed"]


@pytest.mark.parametrize("name", IMPORTED)
def test_an_apr_file_is_made_again_byte_for_byte(
    maker: ModuleType, fixture_model: Callable[[str], Path], tmp_path: Path, name: str
) -> None:
    file, entry = maker.APR_FILES[Path(name).stem], MANIFEST[name]
    if not maker.FILES[file.source].committed and file.needs_llama_cpp and not providers():
        pytest.skip("its source is made by llama.cpp's quantiser")
    assert sha256(file.make(fixture_model(file.source), tmp_path / "x.apr")) == entry["sha256"]
    assert file.committed == entry["committed"]


def test_every_model_is_in_the_manifest(maker: ModuleType) -> None:
    assert {f"models/{name}.gguf" for name in maker.FILES} == set(MODELS)
    assert {f"models/{name}.apr" for name in maker.APR_FILES} == set(IMPORTED)


@pytest.mark.parametrize("name", [name for name in IMPORTED if MANIFEST[name]["committed"]])
def test_a_committed_apr_file_is_its_source(
    maker: ModuleType, fixture_model: Callable[[str], Path], fixture_apr: Callable[[str], Path], name: str
) -> None:
    """Those with a fused projection too."""
    source = open_model(fixture_model(maker.APR_FILES[Path(name).stem].source))
    file = open_model(fixture_apr(Path(name).stem))
    assert file.format == "apr"
    assert file.weights_sha256 == source.weights_sha256
    assert dict(file.metadata) == dict(source.metadata)
    assert ("qkv_proj" in " ".join(read_apr(file.path).tensors)) == ("fused" in name)


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "qwen3moe"])
def test_no_stage_is_far_from_one(fixture_model: Callable[[str], Path], architecture: str) -> None:
    """Weights scaled otherwise would hide a fault behind numbers that vanish or explode."""
    engine = Reference(read_gguf(fixture_model(f"{architecture}-f32")), F32)
    capture = engine.capture([(37 * i + 11) % engine.model.config.vocabulary for i in range(24)])
    for key, array in capture.stages.items():
        if key.stage in ("moe_router_indices", "lm_head"):
            continue
        assert 0.4 < np.sqrt(np.mean(np.square(array, dtype=np.float64))) < 2, key


def test_massive_channels_are_massive_where_they_are_read(fixture_model: Callable[[str], Path]) -> None:
    engine = Reference(read_gguf(fixture_model("llama-massive-q4_k_m")), F32)
    capture = engine.capture(list(range(3, 19)))
    for key, array in capture.stages.items():
        if key.stage in ("attn_norm", "ffn_norm", "final_norm"):
            median = np.median(np.abs(array))
            assert np.abs(array).max() > 40 * median, key
        if key.stage in ("qkv_matmul", "ffn_gate", "ffn_up"):
            assert 0.5 < np.sqrt(np.mean(np.square(array, dtype=np.float64))) < 4, key


def test_mixtures_have_the_types_that_llama_cpp_gives_them(fixture_model: Callable[[str], Path]) -> None:
    def types(name: str, *tensors: str) -> list[str]:
        found = read_gguf(fixture_model(f"{name}-q4_k_m")).tensors
        return [found[f"{tensor}.weight"].type_name for tensor in tensors]

    assert types("llama", "token_embd", "output", "blk.0.attn_norm") == ["Q4_K", "Q6_K", "F32"]
    assert types("llama", "blk.0.ffn_down", "blk.1.ffn_down", "blk.0.attn_v", "blk.1.attn_v") == ["Q4_K", "Q6_K"] * 2
    assert types("qwen2", "token_embd") == ["Q6_K"], "it is the head as well"
    assert types("qwen2", "blk.0.ffn_down", "blk.1.ffn_down") == ["Q5_0", "Q8_0"], "rows of 128"
    assert types("qwen3moe-eight", "blk.0.attn_k", "blk.0.attn_v", "blk.0.attn_output") == ["Q8_0", "Q8_0", "Q5_K"]
    assert types("qwen3moe-eight", "blk.1.ffn_down_exps", "blk.1.ffn_gate_inp") == ["Q6_K", "F32"]


@pytest.mark.oracle
@pytest.mark.skipif(not providers(), reason="no llama.cpp library: pip install xllamacpp")
@pytest.mark.parametrize("type_name", ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"])
def test_both_quantisers_make_the_same_bytes(type_name: str) -> None:
    """So that it does not matter which of them made a fixture."""
    from apr.engines.llama_cpp.kernels import quantise

    array = np.random.Generator(np.random.PCG64(3)).standard_normal((16, 256)).astype(np.float32)
    ours = quants.quantize(array, GGMLQuantizationType[type_name])
    assert np.array_equal(np.ascontiguousarray(ours).view(np.uint8), quantise(array, type_name))


def test_specs_that_make_no_model(maker: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'mamba' is none of llama"):
        maker.Spec("mamba")
    with pytest.raises(ValueError, match="tied head"):
        maker.Spec(tied=True, massive=(1,))
    with pytest.raises(ValueError, match=r"rows of 40 numbers \(token_embd.weight\) cannot be Q5_0"):
        maker.write_model(tmp_path / "m.gguf", maker.Spec(weights="Q4_K", hidden=40))
