"""Model files taken apart, and the forward pass as a whole."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.capture import Capture, expected_keys
from apr.engines.reference import Reference
from apr.errors import UnsupportedModel, UnusableInput, UsageError
from apr.formats.gguf import read_gguf
from apr.models import load
from apr.ops.arithmetic import ARITHMETICS, F32, F64, GGML, arithmetic
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

TOKENS = [4, 30, 77, 100, 5, 6, 200]


@pytest.mark.parametrize("name", ARITHMETICS)
@pytest.mark.parametrize("biased", [False, True])
def test_isolated_on_its_own_stages_is_the_free_run(tiny_llama: Callable[..., Path], name: str, biased: bool) -> None:
    engine = Reference(read_gguf(tiny_llama("Q4_1", biased=biased)), arithmetic(name))
    capture = engine.capture(TOKENS)
    assert list(capture.stages) == engine.model.stage_keys()
    assert ("qkv_bias" in {key.stage for key in capture.stages}) == biased
    for key, array in engine.isolated(capture):
        assert array.dtype == engine.model.arithmetic.dtype
        assert array.shape == (len(TOKENS), engine.model.width(key.stage))
        assert (array == capture[key]).all(), key


def test_arithmetics_agree_as_far_as_their_rounding_goes(tiny_llama: Callable[..., Path]) -> None:
    file = read_gguf(tiny_llama())
    f64, f32, ggml = (Reference(file, a).capture(TOKENS) for a in (F64, F32, GGML))
    head = StageKey("lm_head", None)
    scale = np.abs(f64[head]).max()
    assert 0 < np.abs(f32[head] - f64[head]).max() < 1e-5 * scale
    assert 0 < np.abs(ggml[head] - f64[head]).max() < 1e-5 * scale, "F32 weights meet unrounded activations"
    quantised = read_gguf(tiny_llama("Q8_0", name="q.gguf"))
    f64, ggml = (Reference(quantised, a).capture(TOKENS) for a in (F64, GGML))
    assert 1e-4 * scale < np.abs(ggml[head] - f64[head]).max() < 0.2 * scale, "Q8_0 weights meet rounded activations"


def test_a_prefix_gives_the_same_rows(tiny_llama: Callable[..., Path]) -> None:
    engine = Reference(read_gguf(tiny_llama()), F64)
    whole, prefix = engine.capture(TOKENS), engine.capture(TOKENS[:4])
    for key in prefix.stages:
        assert np.allclose(whole[key][:4], prefix[key], rtol=1e-9, atol=1e-12), key


def test_a_tied_head_is_the_embedding(tiny_llama: Callable[..., Path]) -> None:
    engine = Reference(read_gguf(tiny_llama(tied=True)), F64)
    capture = engine.capture(TOKENS)
    table = engine.model.weights.dequantised("token_embd.weight").astype(np.float64)
    assert np.allclose(capture[StageKey("lm_head", None)], capture[StageKey("final_norm", None)] @ table.T)


def test_keys_come_in_forward_order() -> None:
    keys = expected_keys(("embedding", "attn_norm", "ffn_out", "final_norm", "lm_head"), 2)
    assert [str(key) for key in keys] == [
        "layer-0/embedding", "layer-0/attn_norm", "layer-0/ffn_out", "layer-1/attn_norm", "layer-1/ffn_out", "final_norm", "lm_head",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tokens", "message"),
    [([], "no tokens"), ([1, 10_000], "10000 at position 1"), ([1, -1], "-1"), ([1] * 257, "context of 256")],
)
def test_tokens_that_cannot_be_run(tiny_llama: Callable[..., Path], tokens: list[int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Reference(read_gguf(tiny_llama()), F32).capture(tokens)


def test_unknown_arithmetic() -> None:
    with pytest.raises(UsageError, match="f64, f32, ggml"):
        arithmetic("f16")


def without(maker: ModuleType, tensor: str) -> dict[str, Any]:
    weights: dict[str, Any] = maker.tensors(maker.Spec())
    del weights[tensor]
    return weights


def test_a_missing_tensor_is_named(maker: ModuleType, tmp_path: Path) -> None:
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec(), without(maker, "blk.1.ffn_up.weight"))
    with pytest.raises(UnusableInput, match=r"blk\.1\.ffn_up\.weight.*is missing"):
        load(read_gguf(path), F32)


def test_a_tensor_of_another_shape_is_named(maker: ModuleType, tmp_path: Path) -> None:
    weights = maker.tensors(maker.Spec())
    weights["blk.0.attn_k.weight"] = weights["blk.0.attn_q.weight"]
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec(), weights)
    with pytest.raises(UnusableInput, match=r"attn_k\.weight.*\[64, 64\].*\[32, 64\]"):
        load(read_gguf(path), F32)


def test_a_tensor_nobody_reads_is_refused(maker: ModuleType, tmp_path: Path) -> None:
    weights = maker.tensors(maker.Spec()) | {"blk.0.attn_q_norm.weight": np.ones(16, np.float32)}
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec(), weights)
    with pytest.raises(UnsupportedModel, match="attn_q_norm"):
        load(read_gguf(path), F32)


def test_positions_of_a_capture_are_the_ones_that_are_run(tiny_llama: Callable[..., Path]) -> None:
    engine = Reference(read_gguf(tiny_llama()), F64)
    capture = engine.capture(TOKENS)
    shifted = dataclasses.replace(capture.provenance, positions=tuple(range(5, 5 + len(TOKENS))))
    stages = dict(engine.isolated(Capture(shifted, capture.stages)))
    assert (stages[StageKey("attn_norm", 0)] == capture[StageKey("attn_norm", 0)]).all()
    assert np.abs(stages[StageKey("q_post_rope", 0)] - capture[StageKey("q_post_rope", 0)]).max() > 0.1


def test_a_stream_ends_with_the_last_wanted_stage(tiny_llama: Callable[..., Path]) -> None:
    engine = Reference(read_gguf(tiny_llama()), F32)
    keys = [key for key, _ in engine.stream(TOKENS, {StageKey("k_post_rope", 0), StageKey("attn_norm", 0)})]
    assert keys == engine.model.stage_keys()[: len(keys)]
    assert keys[-1] == StageKey("k_post_rope", 0)
    assert list(engine.stream(TOKENS, set())) == []
    assert len(list(engine.stream(TOKENS))) == len(engine.model.stage_keys())


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("epsilon", float("nan"), "layer_norm_rms_epsilon"),
        ("epsilon", -1.0, "must be positive"),
        ("theta", 0.0, "rope.freq_base"),
        ("kv_heads", 3, "do not divide"),
        ("layers", 0, "block_count"),
        ("layers", 1_000_000, "block_count"),
    ],
)
def test_hyper_parameters_that_make_no_model(
    maker: ModuleType, tmp_path: Path, option: str, value: Any, message: str
) -> None:
    spec = maker.Spec()
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec(**{option: value}), maker.tensors(spec))
    with pytest.raises(UnusableInput, match=message):
        load(read_gguf(path), F32)


def test_an_architecture_that_is_not_built(tmp_path: Path) -> None:
    import gguf

    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "mamba")
    writer.add_tensor("a", np.zeros((1, 32), np.float32))
    for step in (writer.write_header_to_file, writer.write_kv_data_to_file, writer.write_tensors_to_file, writer.close):
        step()
    with pytest.raises(UnsupportedModel, match=r"'mamba'.*it runs llama"):
        load(read_gguf(tmp_path / "m.gguf"), F32)
