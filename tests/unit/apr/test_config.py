"""Hyper-parameters: what a file has to say, what it must not say, and what is taken where it says nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.errors import DenseOnExperts, UnsupportedModel, UnusableInput
from apr.formats.gguf import read_gguf
from apr.models import load
from apr.ops.arithmetic import F32
from apr.ops.rope import Yarn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from apr.models import Config


def config_of(path: Path) -> Config:
    return load(read_gguf(path), F32).config


def stated(architecture: str, **keys: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((f"{architecture}.{key.replace('__', '.')}", value) for key, value in keys.items())


def test_each_architecture_rotates_its_own_pairs(tiny_model: Callable[..., Path]) -> None:
    kinds = {name: config_of(tiny_model(name)).rope.kind for name in ("llama", "qwen2", "qwen3", "qwen3moe")}
    assert kinds == {"llama": "norm", "qwen2": "neox", "qwen3": "neox", "qwen3moe": "neox"}


@pytest.mark.parametrize(
    ("keys", "factor", "yarn"),
    [
        ({"rope__scaling__factor": 4.0}, 4.0, None),
        ({"rope__scaling__type": "linear", "rope__scaling__factor": 2.0}, 2.0, None),
        ({"rope__scale_linear": 8.0}, 8.0, None),
        ({"rope__scaling__type": "linear", "rope__scaling__factor": 0.0}, 1.0, None),
        ({"rope__scaling__type": "none", "rope__scaling__factor": 4.0}, 1.0, None),
        ({"rope__scaling__type": "yarn", "rope__scaling__factor": 4.0}, 4.0, Yarn(256)),
        (
            {
                "rope__scaling__type": "yarn",
                "rope__scaling__factor": 4.0,
                "rope__scaling__original_context_length": 64,
                "rope__scaling__attn_factor": 0.5,
                "rope__scaling__yarn_beta_fast": 32.0,
            },
            4.0,
            Yarn(64, 0.5),
        ),
    ],
    ids=str,
)
def test_scalings_that_are_built(
    tiny_llama: Callable[..., Path], keys: dict[str, Any], factor: float, yarn: Any
) -> None:
    rope = config_of(tiny_llama(metadata=stated("llama", **keys))).rope
    assert (rope.factor, rope.yarn, rope.divisors) == (factor, yarn, None)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"rope__scaling__type": "longrope"}, "rope scaling 'longrope'"),
        ({"rope__scaling__attn_factor": 2.0}, "attn_factor"),
        ({"rope__scaling__type": "none", "rope__scaling__attn_factor": 2.0}, "attn_factor"),
        ({"rope__scaling__type": "yarn", "rope__scaling__yarn_beta_fast": 8.0}, r"yarn_beta_fast 8\.0 instead of 32"),
        ({"rope__scaling__type": "yarn", "rope__scaling__yarn_ext_factor": 0.0}, r"yarn_ext_factor 0\.0 instead of 1"),
        ({"rope__scaling__type": "yarn", "rope__scaling__yarn_log_multiplier": 0.1}, "yarn_log_multiplier"),
        ({"attention__causal": False}, "looks ahead"),
        ({"attention__sliding_window": 128}, "sliding window"),
        ({"attention__value_length": 32}, "not as wide as their keys"),
        ({"expert_count": 8}, "a mixture of experts"),
        ({"expert_shared_count": 1}, "share experts"),
    ],
    ids=str,
)
def test_features_that_are_not_built(tiny_llama: Callable[..., Path], keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UnsupportedModel, match=message):
        config_of(tiny_llama(metadata=stated("llama", **keys)))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"rope__scaling__factor": -2.0}, r"rope\.scaling\.factor.*-2\.0, it must be positive"),
        ({"rope__scaling__factor": float("inf")}, "inf, it must be positive"),
        ({"rope__scaling__factor": 4}, "is a int, not a float"),
        ({"rope__scaling__type": "yarn", "rope__scaling__original_context_length": 0}, "original_context_length"),
        ({"rope__dimension_count": 8}, "does not fit heads of 16"),
        ({"attention__key_length": 0}, "attention.key_length"),
        ({"attention__head_count": 5}, "64 dimensions do not divide into 5 heads"),
        ({"feed_forward_length": 95}, r"ffn_.*\[96, 64\].*\[95, 64\]"),
    ],
    ids=str,
)
def test_values_that_make_no_model(tiny_llama: Callable[..., Path], keys: dict[str, Any], message: str) -> None:
    with pytest.raises(UnusableInput, match=message):
        config_of(tiny_llama(metadata=stated("llama", **keys)))


def test_a_file_without_an_embedding(maker: ModuleType, tmp_path: Path) -> None:
    weights = maker.tensors(maker.Spec())
    del weights["token_embd.weight"]
    with pytest.raises(UnusableInput, match=r"token_embd\.weight.*is missing"):
        config_of(maker.write_model(tmp_path / "m.gguf", maker.Spec(), weights))


def test_sizes_of_a_mixture_are_read(tiny_model: Callable[..., Path]) -> None:
    experts = config_of(tiny_model("qwen3moe", experts=6, used=3, expert_feed_forward=64)).experts
    assert experts is not None
    assert (experts.count, experts.used, experts.feed_forward) == (6, 3, 64)


@pytest.mark.parametrize(
    ("keys", "error", "message"),
    [
        ({"expert_used_count": 9}, UnusableInput, "is 9, there are only 8 experts"),
        ({"expert_used_count": 0}, UnusableInput, "must be positive"),
        ({"expert_count": 4}, UnusableInput, r"ffn_.*\[8, .*\[4, "),
        ({"expert_weights_norm": False}, UnsupportedModel, "not normalised"),
        ({"expert_weights_scale": 2.5}, UnsupportedModel, r"scaled by 2\.5"),
    ],
    ids=str,
)
def test_mixtures_that_cannot_be_run(
    tiny_model: Callable[..., Path], keys: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        config_of(tiny_model("qwen3moe", metadata=stated("qwen3moe", **keys)))


def test_what_is_normal_of_a_mixture_may_be_stated(tiny_model: Callable[..., Path]) -> None:
    keys = stated("qwen3moe", expert_weights_norm=True, expert_weights_scale=1.0, expert_shared_count=0)
    assert config_of(tiny_model("qwen3moe", metadata=keys)).experts is not None


def test_a_router_that_was_rounded_is_refused(
    maker: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import tinymodels.write

    def rounded(spec: Any, name: str, shape: tuple[int, ...]) -> str:
        return "F16" if name.endswith("ffn_gate_inp.weight") else str(maker.type_of(spec, name, shape))

    monkeypatch.setattr(tinymodels.write, "type_of", rounded)
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec("qwen3moe"))
    with pytest.raises(UnusableInput, match=r"ffn_gate_inp\.weight.*is F16, a router must be F32"):
        config_of(path)


def test_experts_under_a_dense_architecture_are_named(maker: ModuleType, tmp_path: Path) -> None:
    """The weights of a mixture, announced as a dense model: what is missing and what is there, in one message."""
    moe = maker.tensors(maker.Spec("qwen3moe"))
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec("qwen3"), moe)
    with pytest.raises(DenseOnExperts, match=r"ffn_gate\.weight") as caught:
        config_of(path)
    assert "ffn_gate_exps.weight" in str(caught.value)


@pytest.mark.parametrize(
    ("divisors", "message"),
    [
        (np.ones(7, np.float32), r"F32 \[7\], F32 \[8\] is needed"),
        (np.full(8, -1, np.float32), "not positive"),
        (np.full(8, np.inf, np.float32), "not positive"),
    ],
    ids=["short", "negative", "infinite"],
)
def test_divisors_that_cannot_be_used(maker: ModuleType, tmp_path: Path, divisors: Any, message: str) -> None:
    weights = maker.tensors(maker.Spec()) | {"rope_freqs.weight": divisors}
    with pytest.raises(UnusableInput, match=f"rope_freqs.weight.*{message}"):
        config_of(maker.write_model(tmp_path / "m.gguf", maker.Spec(), weights))


def test_divisors_are_read_and_not_beside_yarn(tiny_llama: Callable[..., Path]) -> None:
    divisors = tuple(float(n) for n in range(1, 9))
    assert config_of(tiny_llama(rope_divisors=divisors)).rope.divisors == divisors
    keys = stated("llama", rope__scaling__type="yarn", rope__scaling__factor=2.0)
    with pytest.raises(UnsupportedModel, match="beside rope_freqs"):
        config_of(tiny_llama(rope_divisors=divisors, metadata=keys))


NEEDED = (
    "block_count",
    "context_length",
    "embedding_length",
    "feed_forward_length",
    "attention.head_count",
    "attention.layer_norm_rms_epsilon",
    "rope.freq_base",
)
OF_EXPERTS = ("expert_count", "expert_used_count", "expert_feed_forward_length")


@pytest.mark.parametrize(
    ("architecture", "key"),
    [(name, key) for name in ("llama", "qwen2", "qwen3", "qwen3moe") for key in NEEDED]
    + [("qwen3moe", key) for key in OF_EXPERTS],
)
def test_nothing_stands_in_for_what_a_file_does_not_say(
    tiny_model: Callable[..., Path], architecture: str, key: str
) -> None:
    file = read_gguf(tiny_model(architecture))
    whole = dict(file.metadata)
    file.metadata = {name: value for name, value in whole.items() if name != f"{architecture}.{key}"}
    assert len(file.metadata) == len(whole) - 1
    with pytest.raises(UnusableInput, match=rf"'{architecture}\.{key}' is missing"):
        load(file, F32)


def test_the_router_of_every_layer_has_to_be_whole(maker: ModuleType, tmp_path: Path) -> None:
    spec = maker.Spec("qwen3moe")
    path = maker.write_model(tmp_path / "m.gguf", spec)
    file = read_gguf(path)
    name = "blk.1.ffn_gate_inp.weight"
    other = maker.write_model(tmp_path / "other.gguf", maker.Spec("qwen3moe", "F16"))
    half = read_gguf(other).tensors["blk.1.ffn_up_exps.weight"].ggml_type
    import dataclasses

    file.tensors = {**file.tensors, name: dataclasses.replace(file.tensors[name], ggml_type=half)}
    with pytest.raises(UnusableInput, match=r"blk\.1\.ffn_gate_inp\.weight.*F16.*must be F32"):
        load(file, F32)
