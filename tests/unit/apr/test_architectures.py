"""Every architecture against llama.cpp: each stage of each layer, fed llama.cpp's own inputs, at every position."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import pytest

from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.llama_cpp.providers import Provider, providers
from apr.engines.reference import Reference
from apr.formats.gguf import read_gguf
from apr.models import load
from apr.ops.arithmetic import F32, GGML
from apr.parity.isolated import Measurement, measure_isolated
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import ModuleType

    from apr.capture import Capture
    from apr.formats.model_file import ModelFile

FOUND = providers()
pytestmark = [
    pytest.mark.oracle,
    pytest.mark.skipif(not FOUND, reason="no llama.cpp library: pip install xllamacpp"),
]
# Contract stage-parity-v1, rounding_bound: sqrt(n) u for the n float32 additions of a product, u = 2**-24, times 2.4 for
# partial sums that are larger than what they end in. Rows have at most 512 columns here: n is at most 16 blocks of 32, or
# 64 fused multiply-adds in each of 8 lanes without blocks, which is 4.8e-7. Attention adds at most 200 positions, in 8 lanes.
# The router's softmax turns an absolute error of its logits (up to 4, of 256 columns) into a relative one.
BOUND = 1e-6
# nothing is added up in another order there
BIT_IDENTICAL = (
    *("embedding", "attn_norm", "qkv_bias", "q_norm", "k_norm", "post_attn_residual", "ffn_norm"),
    *("moe_router_indices", "post_ffn_residual", "final_norm"),
)
# single tokens go through other kernels than several
COUNTS = (1, 16, 64)
PLAIN = [
    f"{architecture}-{weights}"
    for architecture in ("llama", "qwen2", "qwen3", "qwen3moe")
    for weights in ("f32", "f16", "q8_0", "q4_k_m", "q6_k")
]
SPECIAL = [
    *("llama-tied-q8_0", "llama-biased-f32", "llama-wide-f32", "llama-spm-q8_0", "llama-massive-q4_k_m"),
    "qwen3moe-eight-q4_k_m",
]
SCALED = ["llama-linear-f32", "llama-yarn-f32", "qwen2-yarn-f32", "llama-llama3-f32"]


def tokens_of(file: ModelFile, count: int) -> list[int]:
    vocabulary = file.tensors["token_embd.weight"].shape[0]
    return [(37 * index + 11) % vocabulary for index in range(count)]


def captures(file: ModelFile, counts: Sequence[int], provider: Provider | None = None) -> list[Capture]:
    with LlamaCpp(file, provider) as oracle:
        return [oracle.capture(tokens_of(file, count)) for count in counts]


def check(measured: Measurement) -> None:
    assert not measured.missing
    assert not measured.argmax_differs
    for row in measured.rows:
        if row.key.stage in BIT_IDENTICAL:
            assert row.difference.bit_identical, row
        distance = row.difference.worst_position_relative_rms
        assert distance is not None
        assert distance <= BOUND, row


@pytest.mark.parametrize("provider", FOUND, ids=lambda provider: provider.name)
@pytest.mark.parametrize("name", [*PLAIN, *SPECIAL])
def test_every_stage_is_llama_cpps(fixture_model: Callable[[str], Path], provider: Provider, name: str) -> None:
    file = read_gguf(fixture_model(name))
    reference = Reference(file, GGML)
    for capture in captures(file, COUNTS, provider):
        assert list(capture.stages) == reference.model.stage_keys()
        check(measure_isolated(reference, capture))


@pytest.mark.parametrize("provider", FOUND, ids=lambda provider: provider.name)
@pytest.mark.parametrize("name", SCALED)
def test_a_scaled_rotation_is_llama_cpps_beyond_the_original_context(
    fixture_model: Callable[[str], Path], provider: Provider, name: str
) -> None:
    """An angle that is an ulp off is 1e-6 off at position 400 (of 64): the roundings have to be the same ones."""
    file = read_gguf(fixture_model(name))
    reference = Reference(file, GGML)
    (capture,) = captures(file, [400], provider)
    check(measure_isolated(reference, capture))
    # and that it is scaled at all is seen, and seen in the rotation alone
    rope = reference.model.config.rope
    plain = load(file, GGML)
    plain.config = dataclasses.replace(
        plain.config, rope=dataclasses.replace(rope, factor=1.0, divisors=None, yarn=None)
    )
    off = [row.key for row in measure_isolated(Reference(file, GGML, plain), capture).rows if far(row)]
    assert off == [StageKey(f"{part}_post_rope", layer) for layer in range(2) for part in "qk"]


def far(row: Any) -> bool:
    return bool(row.difference.relative_rms > 0.1)


@pytest.mark.parametrize("stage", ["qkv_matmul", "ffn_gate", "ffn_up", "lm_head"])
def test_massive_activations_need_their_rounding(fixture_model: Callable[[str], Path], stage: str) -> None:
    """Without it what three channels do to the others is two orders above any fault that is looked for."""
    file = read_gguf(fixture_model("llama-massive-q4_k_m"))
    (capture,) = captures(file, [16])
    for arithmetic, low, high in ((GGML, 0.0, BOUND), (F32, 0.02, 1.0)):
        rows = measure_isolated(
            Reference(file, arithmetic),
            dataclasses.replace(
                capture, provenance=dataclasses.replace(capture.provenance, arithmetic=arithmetic.name)
            ),
        ).rows
        distances = [row.difference.relative_rms for row in rows if row.key.stage == stage]
        assert distances
        assert all(low <= distance <= high for distance in distances), (arithmetic.name, distances)


@pytest.mark.parametrize(
    "options",
    [{"used": 1}, {"used": 8}, {"experts": 1, "used": 1}, {"experts": 40, "used": 6}, {"head_dim": 24, "tied": True}],
    ids=str,
)
def test_mixtures_of_other_sizes(tiny_model: Callable[..., Path], options: dict[str, Any]) -> None:
    """A single expert is copied and not summed in llama.cpp's graph, and more than two are summed one after the other."""
    file = read_gguf(tiny_model("qwen3moe", "Q8_0", **options))
    for capture in captures(file, (1, 32)):
        check(measure_isolated(Reference(file, GGML), capture))


@pytest.mark.parametrize("provider", FOUND, ids=lambda provider: provider.name)
def test_a_stage_captured_alone_is_the_same(tiny_model: Callable[..., Path], provider: Provider) -> None:
    """Some are read from a node's source: were it overwritten, or fused away, that would depend on what else is captured."""
    file = read_gguf(tiny_model("qwen3moe", "Q8_0", used=3))
    tokens = tokens_of(file, 12)
    with LlamaCpp(file, provider) as oracle:
        everything = oracle.capture(tokens)
        for key, array in everything.stages.items():
            alone = oracle.capture(tokens, {key})
            assert list(alone.stages) == [key]
            assert (alone[key] == array).all(), key


@pytest.mark.parametrize(("experts", "stable"), [(16, True), (64, False)])
def test_equally_likely_experts(maker: ModuleType, tmp_path: Path, experts: int, stable: bool) -> None:
    """ggml sorts by C++'s `std::sort`, which keeps the order of equals only up to 16 elements; here the lower index is first.

    So beyond 16 experts both may name other experts, as likely as ours, and everything after that agrees.
    """
    spec = maker.Spec("qwen3moe", experts=experts, used=4)
    weights = maker.tensors(spec)
    for layer in range(spec.layers):
        router = weights[f"blk.{layer}.ffn_gate_inp.weight"]
        router[experts // 2 :] = router[: experts // 2]
    file = read_gguf(maker.write_model(tmp_path / "m.gguf", spec, weights))
    (capture,) = captures(file, [48])
    reference = Reference(file, GGML)
    measured = measure_isolated(reference, capture)
    agree = [row.difference.bit_identical for row in measured.rows if row.key.stage == "moe_router_indices"]
    assert all(agree) == stable
    half = experts // 2
    for key, ours in reference.isolated(capture):
        if key.stage == "moe_router_indices":
            assert (ours % half == capture[key] % half).all(), "the same up to which of two equals"
    measured.rows = [row for row in measured.rows if row.key.stage != "moe_router_indices"]
    check(measured)


def test_experts_are_decoded_one_at_a_time_and_only_those_chosen(fixture_model: Callable[[str], Path]) -> None:
    from apr.quant.dequantise import by_gguf

    file = read_gguf(fixture_model("qwen3moe-q8_0"))
    decoded: list[int] = []

    def spy(raw: Any, type_name: str) -> Any:
        decoded.append(len(raw))
        return by_gguf(raw, type_name)

    reference = Reference(file, F32, load(file, F32, spy))
    capture = reference.capture([5])
    experts = reference.model.config.experts
    assert experts is not None
    chosen = [set(capture[StageKey("moe_router_indices", layer)][0].tolist()) for layer in range(2)]
    assert all(len(each) == experts.used for each in chosen)
    rows = {name: math.prod(tensor.shape[:-1]) for name, tensor in file.tensors.items()}
    packed = {name: count for name, count in rows.items() if "_exps" in name}
    beside = sum(rows.values()) - sum(packed.values()) - rows["token_embd.weight"] + 1  # one row of the embedding
    assert sum(decoded) == beside + sum(packed.values()) // experts.count * experts.used
    largest = max(count for name, count in rows.items() if name not in packed and name != "token_embd.weight")
    assert max(decoded) == largest, "nothing as large as two experts"
