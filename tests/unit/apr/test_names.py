"""Names of tensors in every spelling that is read."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats import open_model
from apr.formats.names import ARCHITECTURES, Place, gguf_architecture, hf_name, place_of, required, resolve, spellings
from apr.models import ARCHITECTURES as RUN
from apr.models import load
from apr.ops.arithmetic import F32

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def every_name(architecture: str, layers: int = 12) -> list[str]:
    names = ARCHITECTURES[architecture]
    inner = [*names.layer, *names.layer_optional]
    return [*names.outer, *names.outer_optional, *(f"blk.{n}.{name}" for n in range(layers) for name in inner)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_spelling_stands_for_one_tensor(architecture: str) -> None:
    seen: dict[str, str] = {}
    for name in every_name(architecture):
        for spelling in spellings(architecture, name):
            assert place_of(architecture, spelling) == Place(name)
            assert seen.setdefault(spelling, name) == name
    assert len({hf_name(architecture, name) for name in every_name(architecture)}) == len(every_name(architecture))


def test_the_spellings_of_a_projection() -> None:
    assert spellings("llama", "blk.3.attn_q.weight") == (
        "model.layers.3.self_attn.q_proj.weight",
        "blk.3.attn_q.weight",
        "layers.3.self_attn.q_proj.weight",
        "3.q_proj.weight",
    )
    assert spellings("qwen2", "token_embd.weight") == (
        "model.embed_tokens.weight",
        "token_embd.weight",
        "embed_tokens.weight",
    )
    assert spellings("qwen3", "output.weight") == ("lm_head.weight", "output.weight")
    assert spellings("llama", "rope_freqs.weight") == ("rope_freqs.weight",)


def test_the_tables_are_those_of_the_architectures_that_run(fixture_model: Callable[[str], Path]) -> None:
    assert ARCHITECTURES.keys() == RUN.keys()
    for architecture, names in ARCHITECTURES.items():
        assert names.rope_kind == importlib.import_module(f"apr.models.{architecture}").ROPE_KIND
        model = load(open_model(fixture_model(f"{architecture}-f32")), F32)
        present = set(model.weights.names())
        assert set(required(architecture, model.config.n_layers)) <= present <= set(every_name(architecture))


@given(st.sampled_from(sorted(ARCHITECTURES)), st.integers(0, 999_999), st.data())
def test_any_layer(architecture: str, layer: int, data: st.DataObject) -> None:
    inner = data.draw(st.sampled_from(sorted(ARCHITECTURES[architecture].layer)))
    name = f"blk.{layer}.{inner}"
    for spelling in spellings(architecture, name):
        assert place_of(architecture, spelling) == Place(name)


@given(st.sampled_from(sorted(ARCHITECTURES)), st.text())
def test_a_name_is_known_or_refused(architecture: str, name: str) -> None:
    try:
        place = place_of(architecture, name)
    except UnsupportedModel:
        return
    assert name in spellings(architecture, place.name) or place.role != "whole"


@pytest.mark.parametrize(
    "name",
    [
        "model.model.layers.0.self_attn.q_proj.weight",
        "model.layers.00.self_attn.q_proj.weight",
        "model.layers.-1.self_attn.q_proj.weight",
        "model.layers.0.self_attn.q_proj.weight.",
        "model.blk.0.attn_q.weight",
        "blk.0.self_attn.q_proj.weight",
        "0.self_attn.q_proj.weight",
        "layers.0.attn_q.weight",
        "model.lm_head.weight",
        "model.layers.0.mlp.gate.weight",
        "model.layers.0.self_attn.rotary_emb.inv_freq",
        "",
    ],
)
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(UnsupportedModel, match="none that architecture 'llama' has"):
        place_of("llama", name)


def test_experts_and_fused_projections() -> None:
    assert place_of("qwen3moe", "model.layers.1.mlp.experts.17.up_proj.weight") == Place(
        "blk.1.ffn_up_exps.weight", "expert", 17
    )
    assert place_of("qwen3moe", "layers.1.mlp.experts.up_proj.weight") == Place("blk.1.ffn_up_exps.weight")
    assert place_of("qwen2", "layers.2.self_attn.qkv_proj.bias") == Place("blk.2.attn_q.bias", "qkv")
    assert place_of("llama", "model.layers.2.self_attn.qkv_proj.weight") == Place("blk.2.attn_q.weight", "qkv")
    with pytest.raises(UnsupportedModel):
        place_of("qwen3", "layers.2.self_attn.qkv_proj.bias")  # has no biases
    with pytest.raises(UnsupportedModel):
        place_of("qwen3", "model.layers.1.mlp.experts.17.up_proj.weight")


def test_the_name_that_a_file_has() -> None:
    every = spellings("qwen3", "blk.0.attn_q_norm.weight")
    for spelling in every:
        assert resolve("qwen3", "blk.0.attn_q_norm.weight", [spelling, "x"]) == spelling
    with pytest.raises(UnusableInput, match="missing") as refused:
        resolve("qwen3", "blk.0.attn_q_norm.weight", ["blk.1.attn_q_norm.weight"])
    assert all(spelling in str(refused.value) for spelling in every)
    with pytest.raises(UnusableInput, match="under 2 names"):
        resolve("qwen3", "blk.0.attn_q_norm.weight", every[:2])


def test_what_is_not_known_is_said() -> None:
    with pytest.raises(UnsupportedModel, match="'gemma2' are not known; known are llama"):
        spellings("gemma2", "token_embd.weight")
    with pytest.raises(UnsupportedModel, match=r"no tensor .*; .* belong to qwen3, qwen3moe"):
        hf_name("qwen2", "blk.0.attn_q_norm.weight")
    with pytest.raises(UnsupportedModel, match="belong to llama, qwen2"):
        place_of("qwen3", "model.layers.0.self_attn.k_proj.bias")


def test_architectures_by_their_other_names() -> None:
    assert gguf_architecture("qwen3_moe") == gguf_architecture("Qwen3MoeForCausalLM") == "qwen3moe"
    assert gguf_architecture("LlamaForCausalLM") == "llama"
    assert gguf_architecture("MistralForCausalLM") == "MistralForCausalLM"  # its window is none of llama's
