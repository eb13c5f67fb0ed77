"""Folders in Hugging Face's layout: the same model as the GGUF file, and one refusal for all that is missing or unread."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.engines.reference import Reference
from apr.errors import AprError, UnsupportedModel, UnusableInput
from apr.formats import open_model
from apr.formats.gguf import read_gguf
from apr.formats.hf_config import DEFAULTS
from apr.formats.hf_folder import HfFolder, read_hf
from apr.formats.safetensors_file import SafetensorsFile
from apr.models import load
from apr.ops.arithmetic import F32, F64, GGML
from apr.text.tokenizer import Tokenizer
from tinymodels import Spec, standard, tensors, write_model
from tinymodels.hugging_face import halves, save, write_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOKENS = [4, 30, 77, 100, 5, 6, 200]
SPECS = {
    "llama": Spec(biased=True, layers=1),
    "llama-wide": Spec(head_dim=24, kv_heads=None, layers=1),
    "qwen2": Spec("qwen2", tied=True, layers=1),
    "qwen3": Spec("qwen3", head_dim=32, layers=1),
    "qwen3moe": Spec("qwen3moe", layers=2),
}
MOE = SPECS["qwen3moe"]


def typed(spec: Spec, weights: str) -> Spec:
    return Spec(**{**vars(spec), "weights": weights})


def edit(folder: Path, **changes: Any) -> Path:
    """config.json with other values; None takes a key away."""
    content = json.loads((folder / "config.json").read_text()) | changes
    (folder / "config.json").write_text(json.dumps({k: v for k, v in content.items() if v is not None}))
    return folder


# --- the same model as the GGUF file ----------------------------------------------------------------------------------


@pytest.mark.parametrize("weights", ["F32", "F16", "BF16"])
@pytest.mark.parametrize("name", SPECS)
def test_the_folder_is_the_gguf_file(tmp_path: Path, name: str, weights: str) -> None:
    spec = typed(SPECS[name], weights)
    gguf = read_gguf(write_model(tmp_path / "m.gguf", spec))
    folder = open_model(write_folder(tmp_path / "hf", spec))
    assert isinstance(folder, HfFolder)
    assert folder.format == "safetensors"
    assert folder.weights_sha256 == gguf.weights_sha256
    assert load(folder, F32).config == load(gguf, F32).config
    for arithmetic in (F32, F64, GGML):
        ours, theirs = (Reference(file, arithmetic).capture(TOKENS) for file in (folder, gguf))
        assert ours.stages.keys() == theirs.stages.keys()
        for key, array in theirs.stages.items():
            assert (ours[key] == array).all(), key


@pytest.mark.parametrize(("files", "stacked"), [(1, True), (3, False), (2, True)])
def test_however_the_tensors_are_stored(tmp_path: Path, files: int, stacked: bool) -> None:
    plain = read_hf(write_folder(tmp_path / "plain", MOE))
    other = read_hf(write_folder(tmp_path / "other", MOE, files=files, stacked=stacked))
    assert len(other.files) == files
    assert other.weights_sha256 == plain.weights_sha256
    assert other.sha256 != plain.sha256
    for name, tensor in plain.tensors.items():
        found = other.tensors[name]
        assert (found.shape, found.type_name, found.nbytes) == (tensor.shape, tensor.type_name, tensor.nbytes)
        assert (other.raw(name) == plain.raw(name)).all()
        assert not other.raw(name).flags.writeable
        for index in range(tensor.shape[0] if len(tensor.shape) == 3 else 0):
            rows = tensor.shape[1]
            expected = plain.raw(name)[index * rows : (index + 1) * rows]
            assert (plain.matrix(name, index) == expected).all()
            assert (other.matrix(name, index) == expected).all()
        other.release(name)
        assert (other.raw(name) == plain.raw(name)).all(), "pages that went come back"


def test_one_expert_is_read_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = read_hf(write_folder(tmp_path / "hf", MOE))
    read: list[str] = []
    raw = SafetensorsFile.raw

    def watched(self: SafetensorsFile, name: str) -> Any:
        read.append(name)
        return raw(self, name)

    monkeypatch.setattr(SafetensorsFile, "raw", watched)
    file.matrix("blk.1.ffn_up_exps.weight", 5)
    assert read == ["model.layers.1.mlp.experts.5.up_proj.weight"]


@pytest.mark.parametrize("vectors", ["F16", "BF16"])
def test_vectors_and_routers_are_widened_exactly(tmp_path: Path, vectors: str) -> None:
    file = read_hf(write_folder(tmp_path / "hf", MOE, vectors=vectors))
    for name in ("blk.0.attn_norm.weight", "blk.1.ffn_gate_inp.weight", "blk.0.attn_q_norm.weight"):
        numbers = tensors(MOE)[name]
        assert file.tensors[name].type_name == "F32"
        widened = file.raw(name).view(np.float32).reshape(numbers.shape)
        if vectors == "F16":
            assert (widened == numbers.astype(np.float16).astype(np.float32)).all()
        else:
            assert not (widened.view(np.uint32) & 0xFFFF).any()
            assert (np.abs(widened - numbers) <= np.abs(numbers) * 2.0**-8).all()
    load(file, F32)


def test_an_odd_header_is_read_all_the_same(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", SPECS["qwen2"])
    plain, path = read_hf(write_folder(tmp_path / "plain", SPECS["qwen2"])), folder / "model.safetensors"
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little") + 3
    path.write_bytes(length.to_bytes(8, "little") + content[8 : length + 5] + b"   " + content[length + 5 :])
    shifted = read_hf(folder)
    for name in plain.tensors:
        assert (shifted.raw(name) == plain.raw(name)).all()
        assert shifted.raw(name).ctypes.data % 4 == 0
    assert shifted.weights_sha256 == plain.weights_sha256


def test_a_repeated_head_is_let_go(tmp_path: Path) -> None:
    spec = SPECS["qwen2"]
    weights = tensors(spec)
    folder = write_folder(tmp_path / "hf", spec, weights | {"output.weight": weights["token_embd.weight"]})
    assert "output.weight" not in read_hf(folder).tensors
    other = weights["token_embd.weight"].copy()
    other[-1, -1] += 1
    write_folder(folder, spec, weights | {"output.weight": other})
    with pytest.raises(UnusableInput, match=r"tie_word_embeddings: is true, and 'lm_head\.weight' differs"):
        read_hf(folder)


def test_a_bias_that_adds_nothing_is_let_go(tmp_path: Path) -> None:
    spec = SPECS["llama"]
    zeros = {"blk.0.attn_output.bias": np.array([0.0, -0.0] * 32, np.float32)}
    folder = write_folder(tmp_path / "hf", spec, tensors(spec) | zeros)
    assert load(read_hf(folder), F32).has_bias
    zeros["blk.0.attn_output.bias"][7] = 1e-30
    write_folder(folder, spec, tensors(spec) | zeros)
    with pytest.raises(UnsupportedModel, match=r"layers\.0\.self_attn\.o_proj\.bias': a bias of the output projection"):
        read_hf(folder)


def test_computed_frequencies_of_old_checkpoints_are_left_aside(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    weights = {**raw_weights(folder), "model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(8, np.float32)}
    save(folder / "model.safetensors", weights, dict.fromkeys(weights, "F32"))
    load(read_hf(folder), F32)


def raw_weights(folder: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return dict(load_file(folder / "model.safetensors"))


# --- rotation ---------------------------------------------------------------------------------------------------------


def rope_of(tmp_path: Path, **config: Any) -> Any:
    spec = Spec(hidden=128, heads=2, kv_heads=1, layers=1, context=512)
    return load(read_hf(write_folder(tmp_path / "hf", spec, config=config)), F64).config.rope


LINEAR = {"rope_type": "linear", "factor": 4.0}
LLAMA3 = {
    "rope_type": "llama3",
    "factor": 8,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 64}


@pytest.mark.parametrize("scaling", [LINEAR, LLAMA3, YARN], ids=lambda scaling: str(scaling["rope_type"]))
def test_new_and_old_spelling_are_one(tmp_path: Path, scaling: dict[str, Any]) -> None:
    old = dict(scaling)
    old["type"] = old.pop("rope_type")
    new = {"rope_parameters": {**scaling, "rope_theta": 5e5}, "rope_theta": None}
    assert rope_of(tmp_path, rope_scaling=old, rope_theta=5e5) == rope_of(tmp_path, **new)
    assert rope_of(tmp_path, rope_scaling=scaling, rope_parameters=scaling, rope_theta=5e5).theta == 5e5


def test_linear_and_plain(tmp_path: Path) -> None:
    assert rope_of(tmp_path, rope_scaling=LINEAR).factor == 4.0
    plain = rope_of(tmp_path, rope_parameters={"rope_type": "default", "rope_theta": 10000.0})
    assert (plain.theta, plain.factor, plain.yarn, plain.divisors) == (10000.0, 1.0, None, None)
    assert rope_of(tmp_path, rope_theta=None).theta == 10000.0, "what every configuration class says"


def test_llama3_divides_each_frequency_by_its_own_number(tmp_path: Path) -> None:
    divisors = rope_of(tmp_path, rope_scaling=LLAMA3).divisors
    for pair, divisor in enumerate(divisors):
        turns = 64 / (2 * math.pi * 10000.0 ** (2 * pair / 64))  # over the original context
        expected = 1.0 if turns > 4 else 8.0 if turns < 1 else 1 / ((1 - (turns - 1) / 3) / 8 + (turns - 1) / 3)
        assert divisor == np.float32(expected), pair
    assert {1.0, 8.0} < set(divisors), "some stay, some are divided, some are in between"


def test_yarn_is_stated_whole_and_kept_in_parts(tmp_path: Path) -> None:
    plain = rope_of(tmp_path, rope_scaling=YARN | {"beta_fast": 32, "beta_slow": 1.0, "truncate": True})
    assert (plain.factor, plain.yarn.original_context) == (4.0, 64)
    assert plain.magnitude == 0.1 * math.log(4) + 1
    stated = rope_of(tmp_path, rope_scaling=YARN | {"attention_factor": 1.5})
    assert math.isclose(stated.magnitude, 1.5, rel_tol=1e-15)
    scaled = rope_of(tmp_path, rope_scaling=YARN | {"mscale": 0.7, "mscale_all_dim": 0.3})
    assert math.isclose(scaled.magnitude, (0.07 * math.log(4) + 1) / (0.03 * math.log(4) + 1), rel_tol=1e-15)


def test_an_original_context_that_is_not_stated_is_the_models(tmp_path: Path) -> None:
    without = {"rope_type": "yarn", "factor": 4.0}
    assert rope_of(tmp_path, rope_scaling=without).yarn.original_context == 512
    outside = rope_of(tmp_path, rope_scaling=without, original_max_position_embeddings=128)
    assert outside.yarn.original_context == 128


# --- config.json: what is missing, what is not built, what contradicts itself -----------------------------------------

NEEDED = [
    *("model_type", "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads"),
    *("max_position_embeddings", "rms_norm_eps", "num_key_value_heads", "num_experts", "num_experts_per_tok"),
    "moe_intermediate_size",
]


@pytest.mark.parametrize("key", NEEDED)
def test_a_missing_size_is_named_and_not_guessed(tmp_path: Path, key: str) -> None:
    folder = edit(write_folder(tmp_path / "hf", MOE), **{key: None})
    with pytest.raises(UnusableInput, match=rf"config\.json: \$\.{key}: is missing"):
        read_hf(folder)


@pytest.mark.parametrize("value", [0, -1, 1.5, "4", True, [4], 2**63])
def test_a_size_of_another_kind(tmp_path: Path, value: object) -> None:
    folder = edit(write_folder(tmp_path / "hf", MOE), num_attention_heads=value)
    with pytest.raises(UnusableInput, match=r"config\.json: \$\.num_attention_heads: is .*, it must be a whole number"):
        read_hf(folder)


@pytest.mark.parametrize("value", [0, -1e-6, "x", True, 10**400])
def test_a_number_of_another_kind(tmp_path: Path, value: object) -> None:
    folder = edit(write_folder(tmp_path / "hf", MOE), rms_norm_eps=value)
    with pytest.raises(UnusableInput, match=r"config\.json: \$\.rms_norm_eps: is"):
        read_hf(folder)


@pytest.mark.parametrize("model_type", DEFAULTS)
def test_what_its_class_says_may_be_absent(tmp_path: Path, model_type: str) -> None:
    architecture = model_type.replace("_", "")
    spec = Spec(architecture, layers=1, head_dim=128 if architecture == "qwen3" else None)
    folder = write_folder(tmp_path / "hf", spec)
    whole = load(read_hf(folder), F32).config
    absent = {key for key in DEFAULTS[model_type] if key != "norm_topk_prob"} | {"head_dim", "architectures"}
    assert load(read_hf(edit(folder, **dict.fromkeys(absent))), F32).config == whole


def test_heads_that_a_llama_or_a_null_leaves_open(tmp_path: Path) -> None:
    llama = edit(write_folder(tmp_path / "llama", Spec(kv_heads=None, layers=1)), num_key_value_heads=None)
    assert load(read_hf(llama), F32).config.n_kv_heads == 4
    qwen2 = write_folder(tmp_path / "qwen2", Spec("qwen2", kv_heads=None, layers=1))
    with pytest.raises(UnusableInput, match="num_key_value_heads: is missing"):
        read_hf(edit(qwen2, num_key_value_heads=None))
    content = json.loads((qwen2 / "config.json").read_text())
    (qwen2 / "config.json").write_text(json.dumps(content | {"num_key_value_heads": None}))
    assert load(read_hf(qwen2), F32).config.n_kv_heads == 4


def test_experts_by_their_new_name(tmp_path: Path) -> None:
    folder = edit(write_folder(tmp_path / "hf", MOE), num_experts=None, num_local_experts=8)
    assert read_hf(folder).metadata["qwen3moe.expert_count"] == 8
    with pytest.raises(UnusableInput, match=r"num_local_experts: differs from \$\.num_experts"):
        read_hf(edit(folder, num_experts=9))


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "another model": ("llama", {"model_type": "gemma"}, r"model_type: 'gemma' is not one.*runs llama, qwen2"),
    "a head for classes": ("llama", {"architectures": ["LlamaForSequenceClassification"]}, "only LlamaForCausalLM"),
    "another activation": ("llama", {"hidden_act": "gelu"}, r"hidden_act: is 'gelu': only silu"),
    "biases in the ffn": ("llama", {"mlp_bias": True}, r"mlp_bias: is True"),
    "a number for a flag": ("llama", {"mlp_bias": 0}, r"mlp_bias: is 0"),
    "packed weights": ("llama", {"quantization_config": {"bits": 4}}, r"quantization_config: is .*packed weights"),
    "looking ahead": ("llama", {"is_causal": False}, r"is_causal: is False"),
    "a window": ("qwen2", {"use_sliding_window": True}, r"use_sliding_window: is True"),
    "a window in some layers": ("qwen3", {"layer_types": ["sliding_attention"]}, r"layer_types: .*only full_attention"),
    "biases beside head norms": ("qwen3", {"attention_bias": True}, r"attention_bias: is True"),
    "weights that do not sum to 1": ("qwen3moe", {"norm_topk_prob": None}, r"norm_topk_prob: is False"),
    "dense layers": ("qwen3moe", {"mlp_only_layers": [0]}, r"mlp_only_layers: is \[0\]"),
    "every second layer": ("qwen3moe", {"decoder_sparse_step": 2}, r"decoder_sparse_step: is 2"),
    "another rotation": ("llama", {"rope_scaling": {"type": "dynamic", "factor": 2.0}}, r"rope_scaling\.type: is 'dyn"),
    "a key of another rotation": (
        "llama",
        {"rope_scaling": LINEAR | {"beta_fast": 3}},
        r"rope_scaling\.beta_fast: is no key of rope type 'linear'",
    ),
    "a part of each head": ("llama", {"partial_rotary_factor": 0.5}, r"partial_rotary_factor: is 0\.5: only whole"),
    "a rotation for each kind of layer": (
        "qwen3",
        {"rope_parameters": {"full_attention": {"rope_theta": 1e6}}},
        "layers rotate differently",
    ),
    "a ramp that begins elsewhere": ("llama", {"rope_scaling": YARN | {"beta_fast": 16}}, r"beta_fast: is 16: only 32"),
    "a ramp that is not truncated": ("llama", {"rope_scaling": YARN | {"truncate": False}}, r"truncate: is False"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_built_is_refused(tmp_path: Path, case: str) -> None:
    architecture, changes, message = REFUSED[case]
    folder = edit(write_folder(tmp_path / "hf", Spec(architecture, layers=1)), **changes)
    with pytest.raises(UnsupportedModel, match=rf"config\.json: \$\..*{message}" if "." in message else message):
        read_hf(folder)


CONTRADICTING: dict[str, tuple[str, dict[str, Any], str]] = {
    "two rotations": ("llama", {"rope_scaling": LINEAR, "rope_parameters": LLAMA3}, r"rope_scaling: differs from \$"),
    "two types": ("llama", {"rope_scaling": LINEAR | {"type": "yarn"}}, r"rope_scaling\.type: differs from 'rope_type'"),
    "two bases": ("llama", {"rope_parameters": {"rope_theta": 5.0}}, r"rope_theta: differs from \$\.rope_parameters"),
    "two contexts": (
        "llama",
        {"rope_scaling": YARN, "original_max_position_embeddings": 65},
        r"\$\.original_max_position_embeddings: differs",
    ),
    "no factor": ("llama", {"rope_scaling": {"type": "linear"}}, r"\$\.rope_scaling\.factor: is missing"),
    "no low frequency": (
        "llama",
        {"rope_scaling": {k: v for k, v in LLAMA3.items() if k != "low_freq_factor"}},
        r"\$\.rope_scaling\.low_freq_factor: is missing",
    ),
    "low above high": ("llama", {"rope_scaling": LLAMA3 | {"low_freq_factor": 4}}, r"high_freq_factor: is 4\.0, it must"),
    "heads that do not divide": ("llama", {"head_dim": None, "num_attention_heads": 3}, "do not divide into 3 heads"),
    "an odd head": ("llama", {"head_dim": 15}, r"head_dim: is 15: pairs"),
    "another vocabulary": ("llama", {"vocab_size": 300}, r"vocab_size: is 300, the embedding has 267 rows"),
    "no head": ("qwen2", {"tie_word_embeddings": False}, r"tie_word_embeddings: is false, and there is no tensor"),
    "biases that are not there": ("llama", {"attention_bias": True}, r"attention_bias: is true, and queries and keys"),
    "too many experts": ("qwen3moe", {"num_experts": 7}, r"experts.*there are 8 experts, .*config\.json says 7"),
    "too few experts": ("qwen3moe", {"num_experts": 10**12}, r"experts.*expert 8 is missing"),
    "a rope that is no object": ("llama", {"rope_scaling": 4}, r"rope_scaling: is 4, it must be an object"),
    "types that are no list": ("qwen2", {"layer_types": "full"}, r"layer_types: is 'full', it must be a list"),
    "a head whose rows do not pair": ("llama", {"num_attention_heads": 64, "head_dim": 2}, "do not divide into pairs"),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTRADICTING)
def test_what_contradicts_itself_is_refused(tmp_path: Path, case: str) -> None:
    architecture, changes, message = CONTRADICTING[case]
    spec = Spec(architecture, layers=1, tied=architecture == "qwen2")
    folder = edit(write_folder(tmp_path / "hf", spec), **changes)
    with pytest.raises(UnusableInput, match=message):
        read_hf(folder)


def test_biases_that_config_json_denies(tmp_path: Path) -> None:
    folder = edit(write_folder(tmp_path / "hf", SPECS["llama"]), attention_bias=False)
    with pytest.raises(UnusableInput, match=r"attention_bias: is false, and there is a tensor .*_proj\.bias'"):
        read_hf(folder)


HOSTILE_JSON: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "is not a JSON file: it holds only 0 bytes"),
    "no JSON": (b"<html>", "is no JSON"),
    "deep": (b'{"a":' * 100_000, "nested deeper"),
    "deep lists": (b'{"a":' + b"[" * 400_000 + b"]" * 400_000 + b"}", "nested deeper"),
    "many objects": (b'{"a":[' + b"{}," * 600_000 + b"0]}", "more than 500000 objects, arrays and keys"),
    "a key twice": (b'{"model_type": "llama", "model_type": "qwen2"}', "'model_type' occurs twice"),
    "not a number": (b'{"rms_norm_eps": NaN}', "NaN is no JSON number"),
    "endless digits": (b'{"hidden_size": ' + b"9" * 10_000 + b"}", "is no JSON"),
    "a list": (b"[]", "not an object"),
    "no UTF-8": (b'{"a": "\xff"}', "is not UTF-8"),
}


@pytest.mark.parametrize("name", ["config.json", "model.safetensors.index.json"])
@pytest.mark.parametrize("case", HOSTILE_JSON)
def test_hostile_json_is_one_refusal(tmp_path: Path, name: str, case: str) -> None:
    content, message = HOSTILE_JSON[case]
    folder = write_folder(tmp_path / "hf", Spec(layers=1), files=2)
    (folder / name).write_bytes(content)
    with pytest.raises(UnusableInput, match=rf"{name}.*{message}"):
        read_hf(folder)


def test_json_without_end_is_not_read(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    with (folder / "config.json").open("wb") as file:
        file.truncate((64 << 20) + 1)  # sparse: nothing is written
    with pytest.raises(UnusableInput, match=r"config\.json: has 67108865 bytes, at most"):
        read_hf(folder)


# --- the folder and its files -----------------------------------------------------------------------------------------


def test_no_model_in_the_folder(tmp_path: Path) -> None:
    with pytest.raises(UnusableInput, match=r"has no config\.json; give a \.gguf"):
        open_model(tmp_path)
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UnusableInput, match=r"has neither model\.safetensors nor .*pickled weights"):
        open_model(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "model.safetensors.index.json"])
def test_one_file_of_a_folder_is_not_the_model(tmp_path: Path, name: str) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    with pytest.raises(UnusableInput, match=rf"{name}: is one file of a model; give its folder, .*hf$"):
        open_model(folder / name)


def change_index(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    index = folder / "model.safetensors.index.json"
    content = json.loads(index.read_text())
    change(content["weight_map"])
    index.write_text(json.dumps(content))
    return folder


NORM = "model.norm.weight"


@pytest.mark.parametrize("place", ["../m.safetensors", "/etc/m.safetensors", "a/m.safetensors", "..\\m.safetensors"])
def test_an_index_that_points_outside(tmp_path: Path, place: str) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1), files=2)
    change_index(folder, lambda places: places.update({NORM: place}))
    with pytest.raises(UnusableInput, match=r"index\.json: \$\.weight_map\.model\.norm\.weight: is .*points outside"):
        read_hf(folder)


INDEX_FAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "another file": (lambda p: p.update({NORM: p["lm_head.weight"], "lm_head.weight": p[NORM]}), ""),
    "a file that is not there": (lambda p: p.update({NORM: "model-9.safetensors"}), r"model-9\.safetensors: .*No such"),
    "a tensor left out": (lambda p: p.pop(NORM), r"tensor 'model\.norm\.weight': the index does not have it"),
    "a tensor too many": (
        lambda p: p.update({"x": p[NORM]}),
        r"weight_map\.x: model-0000\d-of-00002\.safetensors does not hold it",
    ),
    "no name": (lambda p: p.update({NORM: 4}), r"weight_map\.model\.norm\.weight: is 4, no name"),
    "nothing": (lambda p: p.clear(), r"\$\.weight_map: is missing or empty"),
}


@pytest.mark.parametrize("case", INDEX_FAULTS)
def test_an_index_that_contradicts_the_files(tmp_path: Path, case: str) -> None:
    change, message = INDEX_FAULTS[case]
    folder = write_folder(tmp_path / "hf", Spec(layers=1), files=2)
    if case == "another file":
        save(folder / "model-00002-of-00002.safetensors", {NORM: np.ones(64, np.float32)}, {NORM: "F32"})
        message = r"tensor 'model\.norm\.weight'.*|does not hold it"
    change_index(folder, change)
    with pytest.raises(UnusableInput, match=message):
        read_hf(folder)


def test_a_tensor_in_two_files(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1), files=2)
    first = folder / "model-00001-of-00002.safetensors"
    weights = {**load_shard(first), NORM: np.ones(64, np.float32)}
    save(first, weights, dict.fromkeys(weights, "F32"))
    with pytest.raises(UnusableInput, match=r"00001.*tensor 'model\.norm\.weight': the index has it in model-00002"):
        read_hf(folder)


def load_shard(path: Path) -> dict[str, Any]:
    from safetensors.numpy import load_file

    return dict(load_file(path))


def test_a_single_file_beside_an_index(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    write_folder(folder, Spec(layers=1), files=2)
    with pytest.raises(UnusableInput, match=r"holds model\.safetensors beside an index of other files"):
        read_hf(folder)
    change_index(folder, lambda places: places.update(dict.fromkeys(places, "model.safetensors")))
    assert len(read_hf(folder).files) == 1


TENSOR_FAULTS: dict[str, tuple[str, Any, str, type[AprError], str]] = {
    "a name of nothing": ("model.layers.0.extra.weight", (4, 4), "F32", UnsupportedModel, r"extra\.weight'"),
    "GGUF's name": ("blk.0.attn_q.weight", (4, 4), "F32", UnsupportedModel, "is no name that transformers gives"),
    "a fused projection": ("model.layers.0.self_attn.qkv_proj.weight", (4, 4), "F32", UnsupportedModel, "is no name"),
    "an expert in a dense model": (
        *("model.layers.0.mlp.experts.0.up_proj.weight", (4, 4), "F32"),
        *(UnsupportedModel, r"experts\.0\.up_proj"),
    ),
    "a layer too many": ("model.layers.7.mlp.up_proj.weight", (96, 64), "F32", UnsupportedModel, r"blk\.7\.ffn_up"),
    "a stack in a dense model": (
        *("model.layers.0.mlp.experts.gate_up_proj", (4, 4, 4), "F32"),
        *(UnsupportedModel, "gate_up_proj"),
    ),
    "a tensor of no size": ("model.layers.0.mlp.up_proj.weight", (0, 64), "F32", UnusableInput, "no matrix and no"),
}  # fmt: skip


@pytest.mark.parametrize("case", TENSOR_FAULTS)
def test_a_tensor_that_is_not_the_models(tmp_path: Path, case: str) -> None:
    name, shape, kind, error, message = TENSOR_FAULTS[case]
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    weights = {**raw_weights(folder), name: np.ones(shape, np.float32)}
    save(folder / "model.safetensors", weights, dict.fromkeys(weights, kind))
    with pytest.raises(error, match=message):
        load(read_hf(folder), F32)


@pytest.mark.parametrize("dtype", [np.float64, np.int8])
def test_a_dtype_that_is_not_read(tmp_path: Path, dtype: type) -> None:
    from safetensors.numpy import save_file

    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    weights = raw_weights(folder)
    save_file(weights | {NORM: weights[NORM].astype(dtype)}, folder / "model.safetensors")
    with pytest.raises(
        UnsupportedModel, match=r"model\.safetensors: tensor 'model\.norm\.weight': is [FI]\d+, only F32"
    ):
        read_hf(folder)


def test_a_missing_tensor_is_named(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    weights = raw_weights(folder)
    del weights["model.layers.0.mlp.up_proj.weight"]
    save(folder / "model.safetensors", weights, dict.fromkeys(weights, "F32"))
    with pytest.raises(UnusableInput, match=r"blk\.0\.ffn_up\.weight': is missing"):
        load(read_hf(folder), F32)
    with pytest.raises(UnusableInput, match="there is no tensor 'x'"):
        read_hf(folder).raw("x")


EXPERT = "model.layers.0.mlp.experts.3.up_proj.weight"


def test_experts_that_do_not_make_one_tensor(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", MOE)
    path, weights = folder / "model.safetensors", raw_weights(folder)
    types = dict.fromkeys(weights, "F32")
    save(path, {name: array for name, array in weights.items() if name != EXPERT}, types)
    with pytest.raises(UnusableInput, match=r"experts.*expert 3 is missing, .*config\.json says 8"):
        read_hf(folder)
    save(path, weights | {EXPERT: weights[EXPERT][:, :-1]}, types)
    with pytest.raises(
        UnusableInput, match=r"experts\.3\.up_proj\.weight': is F32 \[32, 63\], another expert F32 \[32, 64"
    ):
        read_hf(folder)
    save(path, weights, types | {EXPERT: "F16"})
    with pytest.raises(UnusableInput, match=r"is F16 \[32, 64\], another expert F32"):
        read_hf(folder)
    packed = {"model.layers.0.mlp.experts.gate_proj.weight": np.ones((8, 32, 64), np.float32)}
    save(path, weights | packed, types | dict.fromkeys(packed, "F32"))
    with pytest.raises(UnsupportedModel, match=r"experts\.gate_proj\.weight': is no name that transformers gives"):
        read_hf(folder)
    stack = {"model.layers.0.mlp.experts.gate_up_proj": np.ones((8, 63, 64), np.float32)}
    save(path, weights | stack, types | dict.fromkeys(stack, "F32"))
    with pytest.raises(UnusableInput, match=r"gate_up_proj': has shape \[8, 63, 64\], no stack of gate and up"):
        read_hf(folder)
    stack = {"model.layers.0.mlp.experts.gate_up_proj": np.ones((8, 64, 64), np.float32)}
    save(path, weights | stack, types | dict.fromkeys(stack, "F32"))
    with pytest.raises(UnusableInput, match="is there twice"):
        read_hf(folder)


def test_the_hash_covers_what_makes_the_model_and_nothing_else(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1), files=2)
    seen = {read_hf(folder).sha256}
    (folder / "README.md").write_text("nothing")
    assert read_hf(folder).sha256 in seen
    edit(folder, use_cache=True)
    seen.add(read_hf(folder).sha256)
    (folder / "tokenizer_config.json").write_text("{}")
    seen.add(read_hf(folder).sha256)
    shard = folder / "model-00002-of-00002.safetensors"
    content = bytearray(shard.read_bytes())
    content[-1] ^= 1
    shard.write_bytes(content)
    seen.add(read_hf(folder).sha256)
    assert len(seen) == 4
    assert all(len(digest) == 64 for digest in seen)


def test_halves_and_neighbours_are_each_others_inverse() -> None:
    from apr.formats.hf_weights import neighbours

    rows = np.arange(48, dtype=np.float32)[:, None] * np.ones((1, 5), np.float32)
    assert (halves(rows, 3)[neighbours(48, 3)] == rows).all()
    assert neighbours(8, 2).tolist() == [0, 2, 1, 3, 4, 6, 5, 7]


# --- tokenizer --------------------------------------------------------------------------------------------------------

TEXT = "The theory, in 2 sentences:\n\nit's one on the other. <|im_end|>Grün 語 12345  x"


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_tokens_are_those_of_the_gguf_file(tmp_path: Path, architecture: str) -> None:
    spec = standard(architecture, layers=1)
    folder = read_hf(write_folder(tmp_path / "hf", spec))
    gguf = read_gguf(write_model(tmp_path / "m.gguf", spec))
    assert folder.tokenizer_json == tmp_path / "hf" / "tokenizer.json"
    assert folder.tokenizer_config == tmp_path / "hf" / "tokenizer_config.json"
    keys = {key for key in gguf.metadata if key.startswith("tokenizer.")} - {"tokenizer.ggml.add_bos_token"}
    for key in keys:
        assert folder.metadata[key] == gguf.metadata[key], key
    assert set(folder.metadata) >= keys
    assert len(folder.metadata) == len(list(folder.metadata))
    tokens = Tokenizer.from_file(folder).encode(TEXT)
    assert tokens == Tokenizer.from_file(gguf).encode(TEXT)
    from tokenizers import Tokenizer as Library

    assert tokens == Library.from_file(str(tmp_path / "hf" / "tokenizer.json")).encode(TEXT).ids


def change_tokenizer(folder: Path, **changes: Any) -> HfFolder:
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return read_hf(folder)


def test_a_model_needs_no_tokenizer(tmp_path: Path) -> None:
    file = read_hf(write_folder(tmp_path / "hf", Spec(layers=1), tokenizer=False))
    assert (file.tokenizer_json, file.tokenizer_config) == (None, None)
    assert not [key for key in file.metadata if key.startswith("tokenizer.")]


def test_weights_do_not_read_the_tokenizer(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    (folder / "tokenizer.json").write_text("{")
    file = read_hf(folder)
    load(file, F32)
    with pytest.raises(UnusableInput, match=r"tokenizer\.json.*is no JSON"):
        assert "tokenizer.ggml.tokens" in file.metadata


def test_a_tokenizer_may_have_as_many_parts_as_the_largest_vocabularies(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    # brackets in a text count as well
    assert "tokenizer.ggml.merges" in change_tokenizer(folder, other="[" * 1_400_000).metadata
    with pytest.raises(UnusableInput, match=r"tokenizer\.json.*more than 1500000 objects"):
        change_tokenizer(folder, other="[" * 1_500_000).metadata["tokenizer.ggml.merges"]


def test_a_tokenizer_of_another_kind_has_no_keys(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    content = json.loads((folder / "tokenizer.json").read_text())
    others = ({"byte_fallback": True}, {"dropout": 0.1}, {"end_of_word_suffix": "</w>"}, {"merges": None})
    for model in (None, {"type": "Unigram", "vocab": []}, *(content["model"] | other for other in others)):
        assert "tokenizer.ggml.model" not in change_tokenizer(folder, model=model).metadata
    for cut in (
        {"type": "Metaspace"},
        None,
        {"type": "Sequence", "pretokenizers": [4, BYTES]},
        BYTES | {"add_prefix_space": True},
    ):
        file = change_tokenizer(folder, model=content["model"], pre_tokenizer=cut)
        assert "tokenizer.ggml.model" not in file.metadata


BYTES = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
LLAMA3_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"


def cuts(regex: str) -> list[dict[str, Any]]:
    split = {"type": "Split", "pattern": {"Regex": regex}, "behavior": "Isolated", "invert": False}
    return [split, BYTES | {"use_regex": False}]


@pytest.mark.parametrize(
    ("steps", "whole_words", "name"),
    [
        ([BYTES], False, "gpt-2"),
        ([BYTES], True, None),
        (cuts(LLAMA3_WORDS), True, "llama-bpe"),
        (cuts(LLAMA3_WORDS), False, None),
        (cuts(r"\w+"), False, None),
        ([{"type": "Digits", "individual_digits": False}, BYTES], False, None),
        ([{"type": "Digits", "individual_digits": True}, BYTES], False, "smollm"),
    ],
)
def test_the_way_words_are_cut_is_recognised_or_left_open(
    tmp_path: Path, steps: list[Any], whole_words: bool, name: str | None
) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    model = json.loads((folder / "tokenizer.json").read_text())["model"] | {"ignore_merges": whole_words}
    outer = {"type": "Sequence", "pretokenizers": steps} if len(steps) > 1 else steps[0]
    assert change_tokenizer(folder, model=model, pre_tokenizer=outer).metadata.get("tokenizer.ggml.pre") == name
    lower = change_tokenizer(folder, normalizer={"type": "Lowercase"})
    assert lower.metadata.get("tokenizer.ggml.pre") is None


def test_special_tokens_templates_and_merges(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1), config={"pad_token_id": 0, "eos_token_id": [1, 2]})
    settings = {"bos_token": {"content": "<|im_start|>"}, "eos_token": "<|im_end|>", "add_eos_token": True}
    templates = [4, {"name": ["other"], "template": "x"}, {"name": "default", "template": "y"}]
    (folder / "tokenizer_config.json").write_text(json.dumps(settings | {"chat_template": templates}))
    content = json.loads((folder / "tokenizer.json").read_text())
    pairs = [merge.split(" ") for merge in content["model"]["merges"]]
    single = [{"SpecialToken": {"id": "<|im_start|>"}}, {"Sequence": {"id": "A"}}]
    around = {"type": "Sequence", "processors": [{"type": "TemplateProcessing", "single": single}]}
    file = change_tokenizer(folder, model=content["model"] | {"merges": pairs}, post_processor=around)
    found = {key.removeprefix("tokenizer.ggml."): file.metadata[key] for key in file.metadata if "tokenizer" in key}
    assert found["merges"] == content["model"]["merges"]
    assert (found["bos_token_id"], found["eos_token_id"], found["pad_token_id"]) == (1, 2, 0)
    assert (found["add_bos_token"], found["add_eos_token"]) == (True, True)
    assert found["tokenizer.chat_template"] == "y"
    (folder / "tokenizer_config.json").write_text("{}")
    (folder / "chat_template.jinja").write_text("z")
    assert read_hf(folder).metadata["tokenizer.chat_template"] == "z"


@pytest.mark.parametrize("content", [b"x" * ((1 << 20) + 1), b"\xff"])
def test_a_chat_template_that_cannot_be_read(tmp_path: Path, content: bytes) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    (folder / "chat_template.jinja").write_bytes(content)
    with pytest.raises(UnusableInput, match=r"chat_template\.jinja: (has more than|cannot be read)"):
        read_hf(folder).metadata["tokenizer.ggml.tokens"]


@pytest.mark.parametrize("processor", [None, {"type": "ByteLevel"}, {"type": "TemplateProcessing", "single": []}])
def test_a_post_processor_that_adds_nothing(tmp_path: Path, processor: Any) -> None:
    file = change_tokenizer(write_folder(tmp_path / "hf", Spec(layers=1)), post_processor=processor)
    assert "tokenizer.ggml.add_bos_token" not in file.metadata


def test_ids_that_the_tokenizer_leaves_out_are_unused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    content = json.loads((folder / "tokenizer.json").read_text())
    last = max(content["model"]["vocab"], key=content["model"]["vocab"].get)
    del content["model"]["vocab"][last]
    file = change_tokenizer(folder, model=content["model"])
    tokens, kinds = file.metadata["tokenizer.ggml.tokens"], file.metadata["tokenizer.ggml.token_type"]
    assert isinstance(tokens, list)
    assert isinstance(kinds, list)
    assert (tokens[-1], kinds[-1]) == (f"[PAD{len(tokens) - 1}]", 5)
    assert kinds[:4] == [3, 3, 3, 1]


TOKENIZER_FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "an id beyond the model": ({"vocab": {"a": 100_000}}, r"\$\.model\.vocab\.'a': has id 100000, the model has 267"),
    "an added token without a text": ({}, r"\$\.added_tokens\[3\]: is no token"),
    "an id of another kind": ({"vocab": {"a": "1"}}, "has id '1'"),
    "two tokens of one id": ({"vocab": {"a": 7, "b": 7}}, "has id 7, and another token"),
    "no pair": ({"merges": ["a b c"]}, r"\$\.model\.merges\[0\]: is no pair of tokens"),
    "a pair of three": ({"merges": [["a", "b", "c"]]}, r"\$\.model\.merges\[0\]: is no pair of tokens"),
    "a pair of numbers": ({"merges": [[1, 2]]}, r"\$\.model\.merges\[0\]: is no pair of tokens"),
}


@pytest.mark.parametrize("case", TOKENIZER_FAULTS)
def test_a_tokenizer_that_contradicts_itself(tmp_path: Path, case: str) -> None:
    changes, message = TOKENIZER_FAULTS[case]
    folder = write_folder(tmp_path / "hf", Spec(layers=1))
    content = json.loads((folder / "tokenizer.json").read_text())
    added = content["added_tokens"] + ([{"id": 9}] if not changes else [])
    file = change_tokenizer(folder, model=content["model"] | changes, added_tokens=added)
    with pytest.raises(UnusableInput, match=rf"tokenizer\.json: {message}" if message[0] == "\\" else message):
        file.metadata["tokenizer.ggml.tokens"]
