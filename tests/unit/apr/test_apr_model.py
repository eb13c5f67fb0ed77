"""An .apr file as a model: both writers' conventions come to the same, and what other readers fill in is refused."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apr.engines.reference import Reference
from apr.errors import AprError, UnsupportedModel, UnusableInput
from apr.formats import open_model
from apr.formats.apr_keys import decode_value, encode_value, is_special
from apr.formats.apr_model import AprModel
from apr.formats.names import place_of, spellings
from apr.models import load
from apr.ops.arithmetic import F32
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.formats.model_file import ModelFile

TOKENS = [1, 5, 77, 30]


class Foreign:
    """An .apr file as another program would have written it from a GGUF file: by hand, then changed here and there.

    Attributes:
        metadata: the JSON.
        tensors: name to (type code, shape with the outermost dimension first, bytes).
        layout: `hf` reverses GGUF's dimensions, `gguf` does not.
    """

    def __init__(self, by_hand: Any, path: Path, source: ModelFile, layout: str = "hf", spelling: int = 0) -> None:
        self.by_hand, self.path, self.layout = by_hand, path, layout
        a = source.architecture
        about = source.metadata
        self.metadata: dict[str, Any] = {
            "model_type": "by hand",
            "total_size": 0,
            "param_count": 0,
            "architecture": a,
            "hidden_size": about[f"{a}.embedding_length"],
            "num_layers": about[f"{a}.block_count"],
            "num_heads": about[f"{a}.attention.head_count"],
            "num_kv_heads": about[f"{a}.attention.head_count_kv"],
            "vocab_size": source.tensors["token_embd.weight"].shape[0],
            "intermediate_size": about[f"{a}.feed_forward_length"],
            "max_position_embeddings": about[f"{a}.context_length"],
            "rope_theta": about[f"{a}.rope.freq_base"],
            "rms_norm_eps": about[f"{a}.attention.layer_norm_rms_epsilon"],
            "rope_type": 0 if a == "llama" else 2,
            "tokenizer.vocabulary": about["tokenizer.ggml.tokens"],
            "tokenizer.merges": about["tokenizer.ggml.merges"],
            "tokenizer.model_type": "gpt2",
        }
        for key, name in (
            ("head_dim", "attention.key_length"),
            ("num_experts", "expert_count"),
            ("num_experts_per_tok", "expert_used_count"),
            ("moe_intermediate_size", "expert_feed_forward_length"),
        ):
            if f"{a}.{name}" in about:
                self.metadata[key] = about[f"{a}.{name}"]
        self.tensors: dict[str, tuple[int, tuple[int, ...], bytes]] = {}
        for name, tensor in source.tensors.items():
            names = (name,) if layout == "gguf" else spellings(a, name)
            code = int(gguf.GGMLQuantizationType[tensor.type_name])
            self.tensors[names[min(spelling, len(names) - 1)]] = code, tensor.shape, source.raw(name).tobytes()

    def write(self) -> Path:
        entries = [
            (name, code, shape if self.layout == "hf" else shape[::-1], data)
            for name, (code, shape, data) in sorted(self.tensors.items(), key=lambda item: item[0].encode())
        ]
        flags = 0x0400 if self.layout == "hf" else 0x0020
        self.path.write_bytes(self.by_hand(self.metadata, entries, flags=flags).bytes)
        return self.path

    def open(self) -> AprModel:
        model = open_model(self.write())
        assert isinstance(model, AprModel)
        return model


@pytest.fixture
def foreign(by_hand: Any, tmp_path: Path, fixture_model: Callable[[str], Path]) -> Callable[..., Foreign]:
    def make(name: str = "llama-nan-f32", **options: Any) -> Foreign:
        return Foreign(by_hand, tmp_path / "foreign.apr", open_model(fixture_model(name)), **options)

    return make


def logits(file: ModelFile) -> Any:
    capture = Reference(file, F32).capture(TOKENS)
    return capture[capture.keys_in_order()[-1]]


@pytest.mark.parametrize(
    "name", ["llama-q4_k_m", "qwen2-q4_k_m", "qwen3-q4_k_m", "qwen3moe-q4_k_m", "llama-biased-f32"]
)
@pytest.mark.parametrize("layout", ["hf", "gguf"])
def test_the_same_model_whoever_wrote_it(
    foreign: Callable[..., Foreign], fixture_model: Callable[[str], Path], name: str, layout: str
) -> None:
    source = open_model(fixture_model(name))
    file = foreign(name, layout=layout)
    if layout == "hf" and name == "qwen2-q4_k_m":  # holds types that this layout has no codes for
        for tensor in ("blk.0.ffn_down.weight", "blk.1.ffn_down.weight"):
            numbers = Weights(source).dequantised(tensor)
            file.tensors[spellings("qwen2", tensor)[0]] = 0, numbers.shape, numbers.tobytes()
    if layout == "hf" and "output.weight" not in source.tensors:
        file.metadata["tied_embeddings"] = True
    model = file.open()
    assert dict(model.tensors).keys() == dict(source.tensors).keys()
    assert {n: t.shape for n, t in model.tensors.items()} == {n: t.shape for n, t in source.tensors.items()}
    if not (layout == "hf" and name == "qwen2-q4_k_m"):
        assert model.weights_sha256 == source.weights_sha256
    assert load(model, F32).config == load(source, F32).config
    assert np.array_equal(logits(model), logits(source))
    for key in ("tokens", "merges", "token_type"):  # types told by their spelling: control tokens are spelled <|so|>
        assert model.metadata[f"tokenizer.ggml.{key}"] == source.metadata[f"tokenizer.ggml.{key}"]


@pytest.mark.parametrize("spelling", range(4))
def test_each_spelling(foreign: Callable[..., Foreign], fixture_model: Callable[[str], Path], spelling: int) -> None:
    model = foreign(spelling=spelling).open()
    assert model.weights_sha256 == open_model(fixture_model("llama-nan-f32")).weights_sha256


def test_aliases_of_sizes(foreign: Callable[..., Foreign]) -> None:
    file = foreign()
    expected = file.open().metadata
    for key, alias in (("num_layers", "n_layer"), ("hidden_size", "d_model"), ("rms_norm_eps", "norm_eps")):
        file.metadata[alias] = file.metadata.pop(key)
    assert dict(file.open().metadata) == dict(expected)


@pytest.mark.parametrize(
    "key",
    [
        *("architecture", "num_layers", "hidden_size", "num_heads", "num_kv_heads", "vocab_size", "intermediate_size"),
        *("max_position_embeddings", "rope_theta", "rms_norm_eps", "rope_type"),
    ],
)
def test_nothing_is_guessed(foreign: Callable[..., Foreign], key: str) -> None:
    for absent in ("left out", "null"):
        file = foreign()
        file.metadata[key] = None
        if absent == "left out":
            del file.metadata[key]
        with pytest.raises(UnusableInput, match=rf"metadata, \$\.{key}: is missing; it is not guessed"):
            file.open()


@pytest.mark.parametrize("key", ["num_experts", "num_experts_per_tok", "moe_intermediate_size"])
def test_nothing_is_guessed_about_experts(foreign: Callable[..., Foreign], key: str) -> None:
    file = foreign("qwen3moe-q4_k_m")
    del file.metadata[key]
    with pytest.raises(UnusableInput, match=rf"\$\.{key}: is missing"):
        file.open()


def test_a_width_of_heads_that_is_not_stated_and_needed(foreign: Callable[..., Foreign]) -> None:
    file = foreign("qwen3-q4_k_m")  # 8 heads of 64 in 256 dimensions
    file.metadata["tied_embeddings"] = True
    load(file.open(), F32)
    del file.metadata["head_dim"]
    with pytest.raises(UnusableInput, match=r"attn_\w+.weight'.*has shape"):
        load(file.open(), F32)


def test_rows_may_be_ordered_either_way_only_in_a_llama(foreign: Callable[..., Foreign]) -> None:
    file = foreign("qwen2-q6_k", layout="gguf")
    del file.metadata["rope_type"]
    assert file.open().rope_kind is None
    file.metadata["rope_type"] = 0
    assert file.open().rope_kind == "norm"
    file.metadata["rope_type"] = 1
    with pytest.raises(UnusableInput, match=r"\$\.rope_type: is 1; 0 .* and 2 .* are known"):
        file.open()
    llama = foreign()
    llama.metadata["rope_type"] = 2
    assert llama.open().rope_kind == "neox"
    assert load(llama.open(), F32).config.rope.kind == "neox"
    gguf_rows = foreign(layout="gguf")
    del gguf_rows.metadata["rope_type"]
    assert gguf_rows.open().rope_kind is None


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(2.0**-40, 1.0, width=32), st.floats(1.0, 2.0**40, width=32))
def test_floats_keep_their_bits(foreign: Callable[..., Foreign], epsilon: float, theta: float) -> None:
    file = foreign()
    # as Rust writes them: the shortest text that tells the float32 apart
    file.metadata["rms_norm_eps"], file.metadata["rope_theta"] = (
        float(str(np.float32(epsilon))),
        float(str(np.float32(theta))),
    )
    model = file.open()
    for key, value in (("attention.layer_norm_rms_epsilon", epsilon), ("rope.freq_base", theta)):
        assert struct.pack("<d", model.require(f"llama.{key}", float)) == struct.pack("<d", value)


class TestDimensions:
    def test_in_the_other_order(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        file.tensors = {name: (code, shape[::-1], data) for name, (code, shape, data) in file.tensors.items()}
        with pytest.raises(UnusableInput, match=r"vocab_size and hidden_size ask for .* in the other writer's order"):
            file.open()

    def test_of_the_head_alone(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        code, shape, data = file.tensors["lm_head.weight"]
        file.tensors["lm_head.weight"] = code, shape[::-1], data
        with pytest.raises(UnusableInput, match=r"'lm_head.weight'.*vocab_size and hidden_size"):
            file.open()

    def test_that_the_metadata_says_otherwise(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        file.metadata["tensor_shapes"] = {name: list(shape) for name, (_, shape, _) in file.tensors.items()}
        file.open()
        name = "model.layers.0.mlp.down_proj.weight"
        file.metadata["tensor_shapes"][name].reverse()
        with pytest.raises(UnusableInput, match=r"down_proj.weight'.* in the index and .* in \$\.tensor_shapes"):
            file.open()


class TestNames:
    def test_two_of_one_tensor(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        file.tensors["layers.0.self_attn.q_proj.weight"] = file.tensors["model.layers.0.self_attn.q_proj.weight"]
        with pytest.raises(UnusableInput, match=r"'blk.0.attn_q.weight': is there under 2 names: model.layers.0"):
            file.open()

    def test_that_nobody_has(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        file.tensors = {f"model.{name}": tensor for name, tensor in file.tensors.items()}
        with pytest.raises(UnsupportedModel, match=r"tensor 'model.lm_head.weight': the name is none"):
            file.open()

    def test_of_an_architecture_that_is_not_known(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        file.metadata["architecture"] = "gemma2"
        with pytest.raises(UnsupportedModel, match="names of architecture 'gemma2' are not known"):
            file.open()
        file = foreign(layout="gguf")
        file.metadata["architecture"] = "gemma2"
        assert file.open().architecture == "gemma2"  # its names are GGUF's; whoever runs it refuses it by name

    def test_a_missing_one_says_what_was_tried(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        del file.tensors["model.layers.1.mlp.up_proj.weight"]
        model = file.open()
        with pytest.raises(
            UnusableInput, match=r"tried model.layers.1.mlp.up_proj.weight, blk.1.ffn_up.weight, layers"
        ):
            model.raw("blk.1.ffn_up.weight")
        with pytest.raises(UnusableInput, match=r"'blk.1.ffn_up.weight': is missing"):
            load(model, F32)

    def test_hf_model_type_will_do(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign("qwen3moe-q4_k_m")
        del file.metadata["architecture"]
        file.metadata["hf_model_type"] = "qwen3_moe"
        assert file.open().architecture == "qwen3moe"


class TestTied:
    @pytest.fixture
    def tied(self, foreign: Callable[..., Foreign]) -> Foreign:
        file = foreign()
        file.tensors["lm_head.weight"] = file.tensors["model.embed_tokens.weight"]
        file.metadata["tied_embeddings"] = True
        return file

    def test_a_copy_is_hidden(self, tied: Foreign) -> None:
        model = tied.open()
        assert "output.weight" not in model.tensors
        assert model.tied
        model.raw("token_embd.weight")
        assert np.isfinite(logits(model)[:, 1:]).all()  # token 0's row holds NaN, so its logit does

    def test_a_head_that_is_no_copy(self, tied: Foreign) -> None:
        code, shape, data = tied.tensors["lm_head.weight"]
        tied.tensors["lm_head.weight"] = code, shape, data[:-1] + bytes([data[-1] ^ 1])
        model = tied.open()  # opening reads no weights
        for _ in range(2):
            with pytest.raises(UnusableInput, match=r"\$\.tied_embeddings: is true, but the head's bytes"):
                model.raw("token_embd.weight")

    def test_a_head_of_another_type(self, tied: Foreign) -> None:
        _, shape, data = tied.tensors["lm_head.weight"]
        half = np.frombuffer(data, "<f4").astype("<f2")
        tied.tensors["lm_head.weight"] = 1, shape, half.tobytes()
        with pytest.raises(UnusableInput, match=r"\$\.tied_embeddings: is true, but the head is F16"):
            tied.open()

    def test_no_head_and_nobody_says_why(self, tied: Foreign) -> None:
        del tied.tensors["lm_head.weight"]
        tied.open()
        del tied.metadata["tied_embeddings"]
        with pytest.raises(UnusableInput, match=r"does not say that its head is tied; tried lm_head.weight, output.w"):
            tied.open()
        tied.metadata["tied_embeddings"] = False
        with pytest.raises(UnusableInput, match="says that it has a head of its own"):
            tied.open()
        tied.metadata["tied_embeddings"] = "yes"
        with pytest.raises(UnusableInput, match="is neither true nor false"):
            tied.open()

    def test_in_ggufs_layout_as_in_gguf(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign(layout="gguf")
        del file.tensors["output.weight"]
        assert file.open().tied
        file.metadata["tied_embeddings"] = False
        with pytest.raises(UnusableInput, match="says that it has a head of its own"):
            file.open()


class TestFused:
    def fuse(self, file: Foreign, kind: str) -> None:
        for layer in range(2):
            parts = [file.tensors.pop(f"model.layers.{layer}.self_attn.{part}_proj.{kind}") for part in "qkv"]
            rows = sum(shape[0] for _, shape, _ in parts)
            data = b"".join(data for _, _, data in parts)
            name = f"model.layers.{layer}.self_attn.qkv_proj.{kind}"
            file.tensors[name] = parts[0][0], (rows, *parts[0][1][1:]), data

    @pytest.mark.parametrize("kinds", [("weight",), ("bias",), ("weight", "bias")])
    def test_is_taken_apart(
        self, foreign: Callable[..., Foreign], fixture_model: Callable[[str], Path], kinds: tuple[str, ...]
    ) -> None:
        file = foreign("llama-biased-f32")
        for kind in kinds:
            self.fuse(file, kind)
        model, source = file.open(), open_model(fixture_model("llama-biased-f32"))
        assert model.weights_sha256 == source.weights_sha256
        model.release("blk.0.attn_k.weight")
        assert np.array_equal(logits(model), logits(source))

    def test_of_another_size(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        self.fuse(file, "weight")
        file.metadata["num_kv_heads"] = 2
        with pytest.raises(UnusableInput, match=r"qkv_proj.weight'.* rows; 2 query and 2 key heads of 16 need"):
            file.open()

    def test_beside_a_single_one(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        single = file.tensors["model.layers.0.self_attn.k_proj.weight"]
        self.fuse(file, "weight")
        file.tensors["model.layers.0.self_attn.k_proj.weight"] = single
        with pytest.raises(UnusableInput, match="is there twice: alone, and within"):
            file.open()

    def test_twice(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        self.fuse(file, "weight")
        file.tensors["layers.0.self_attn.qkv_proj.weight"] = file.tensors["model.layers.0.self_attn.qkv_proj.weight"]
        with pytest.raises(UnusableInput, match="is there under 2 names"):
            file.open()


class TestExperts:
    def apart(self, file: Foreign, part: str = "gate") -> None:
        """Takes the packed tensors of a part apart, each expert under its own name."""
        for layer in range(2):
            code, (count, *shape), data = file.tensors.pop(f"model.layers.{layer}.mlp.experts.{part}_proj.weight")
            size = len(data) // count
            for index in range(count):
                one = data[index * size :][:size]
                file.tensors[f"model.layers.{layer}.mlp.experts.{index}.{part}_proj.weight"] = code, tuple(shape), one

    def test_are_one_tensor(self, foreign: Callable[..., Foreign], fixture_model: Callable[[str], Path]) -> None:
        file = foreign("qwen3moe-q4_k_m")
        for part in ("gate", "up", "down"):
            self.apart(file, part)
        model, source = file.open(), open_model(fixture_model("qwen3moe-q4_k_m"))
        assert model.weights_sha256 == source.weights_sha256
        name = "blk.1.ffn_up_exps.weight"
        assert np.array_equal(model.raw(name), source.raw(name))
        assert np.array_equal(model.matrix(name, 2), source.matrix(name, 2))
        assert np.array_equal(logits(model), logits(source))

    def test_one_is_missing(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign("qwen3moe-q4_k_m")
        self.apart(file)
        del file.tensors["model.layers.1.mlp.experts.2.gate_proj.weight"]
        with pytest.raises(UnusableInput, match=r"3 experts are there, \$\.num_experts says 4; first missing 2"):
            file.open()

    def test_one_too_many(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign("qwen3moe-q4_k_m")
        self.apart(file)
        name = "model.layers.1.mlp.experts.{}.gate_proj.weight"
        file.tensors[name.format(4)] = file.tensors[name.format(3)]
        with pytest.raises(UnusableInput, match="5 experts are there"):
            file.open()

    def test_of_different_types(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign("qwen3moe-q4_k_m")
        self.apart(file)
        name = "model.layers.0.mlp.experts.2.gate_proj.weight"
        _, shape, _ = file.tensors[name]
        file.tensors[name] = 0, shape, bytes(4 * shape[0] * shape[1])
        with pytest.raises(UnusableInput, match=r"is F32 \[256, 256\], expert 0 is Q4_K"):
            file.open()

    def test_apart_and_packed(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign("qwen3moe-q4_k_m")
        packed = file.tensors["model.layers.0.mlp.experts.gate_proj.weight"]
        self.apart(file)
        file.tensors["model.layers.0.mlp.experts.gate_proj.weight"] = packed
        with pytest.raises(UnusableInput, match="is there under 5 names"):
            file.open()


def test_rows_that_were_filled_up(foreign: Callable[..., Foreign], fixture_model: Callable[[str], Path]) -> None:
    """Q4_K of 32 columns: a block of 256 a row, whose first 32 numbers count."""
    source = open_model(fixture_model("llama-q4_k_m"))
    blocks = source.raw("blk.0.attn_q.weight").reshape(-1, 144)
    file = foreign()
    name = "model.layers.0.self_attn.q_proj.weight"
    _, (rows, columns), _ = file.tensors[name]
    file.tensors[name] = 12, (rows, columns), blocks[:rows].tobytes()
    model = file.open()
    assert model.tensors["blk.0.attn_q.weight"].type_name == "Q4_K padded"
    expected = gguf.quants.dequantize(blocks[:rows], gguf.GGMLQuantizationType.Q4_K)[:, :columns]
    weights = Weights(model)
    assert np.array_equal(weights.dequantised("blk.0.attn_q.weight"), expected)
    assert np.array_equal(weights.rows("blk.0.attn_q.weight", np.array([3, 1])), expected[[3, 1]])
    assert np.isfinite(logits(model)).all()
    with pytest.raises(UnsupportedModel, match="does not cover weights of type Q4_K padded"):
        weights.format("blk.0.attn_q.weight")


@pytest.mark.parametrize(
    ("magic", "said"), [(b"APRN", "version 1"), (b"APR1", "another format"), (b"APR2", "starts with APR2")]
)
def test_other_files_of_this_name(tmp_path: Path, magic: bytes, said: str) -> None:
    path = tmp_path / "x.apr"
    path.write_bytes(magic + bytes(100))
    with pytest.raises(UnsupportedModel, match=said):
        open_model(path)


class TestTokenizer:
    @pytest.mark.parametrize(
        ("token", "special"),
        [
            *(("<|im_end|>", True), ("<|>", False), ("<||>", False), ("<s>", True), ("</s>", True), ("<unk>", True)),
            *(("<a_b>", True), ("<A>", False), ("<0x0A>", False), (f"<{'a' * 18}>", True), (f"<{'a' * 19}>", False)),
            *(("the", False), ("<|x|> ", False), ("", False)),
        ],
    )
    def test_special_tokens_by_their_spelling(self, token: str, special: bool) -> None:
        assert is_special(token) == special

    @pytest.mark.parametrize(
        ("key", "value", "said"),
        [
            ("tokenizer.vocabulary", ["a", 1], "not a list of texts"),
            ("tokenizer.vocabulary", {"a": 1}, "not a list of texts"),
            ("tokenizer.scores", [0.0], "tokens have 1 entries"),
            ("tokenizer.scores", ["1"], "not a list of numbers"),
            ("tokenizer.token_types", [1], "tokens have 1 entries"),
            ("tokenizer.bos_token_id", -1, "not a token's number"),
            ("tokenizer.bos_token_id", True, "not a token's number"),
            ("tokenizer.model_type", 3, "not a text"),
            ("rope_scaling", {"factor": 8}, "outside of source_metadata"),
            ("num_layers", 0, "must be positive"),
        ],
    )
    def test_values_that_cannot_be(self, foreign: Callable[..., Foreign], key: str, value: Any, said: str) -> None:
        file = foreign()
        file.metadata[key] = value
        with pytest.raises(UnusableInput, match=rf"\$\.{re.escape(key)}: .*{said}"):
            file.open()

    def test_scores_are_float32(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        count = len(file.metadata["tokenizer.vocabulary"])
        file.metadata["tokenizer.scores"] = [-0.1, *[-1] * (count - 1)]
        scores = file.open().require("tokenizer.ggml.scores", list)
        assert scores[:2] == [float(np.float32(-0.1)), -1.0]
        file.metadata["tokenizer.scores"] = [1e39] * count
        with pytest.raises(UnusableInput, match="beyond float32"):
            file.open()


class TestSource:
    """`source_metadata`, which `apr import` writes; what comes out of it is tested with the import."""

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            ({"keys": []}, "has no format, keys and tensors"),
            ({"format": "gguf", "keys": {}}, "has no format, keys and tensors"),
            ({"format": "gguf", "keys": [], "tensors": [1]}, "not a list of names"),
            ({"format": "gguf", "keys": ["x"]}, r"keys\[0\]: is not a key, a type"),
            ({"format": "gguf", "keys": [["x", "uint8", 1, 2]]}, r"keys\[0\]: is not a key, a type"),
            ({"format": "gguf", "keys": [["x", "uint8", 256]]}, "value is no uint8"),
            ({"format": "gguf", "keys": [["x", "uint9", 1]]}, "value is no uint9"),
            ({"format": "gguf", "keys": [["x", "bool", 1]]}, "value is no bool"),
            ({"format": "gguf", "keys": [["x", "float32", 1e39]]}, "value is no float32"),
            ({"format": "gguf", "keys": [["x", "array:int8", [1, 128]]]}, "value is no int8"),
            ({"format": "gguf", "keys": [["x", "uint8", 1], ["x", "uint8", 1]]}, "'x' occurs twice"),
            ({"format": "gguf", "keys": [["x", "uint8"]]}, "lists 'x' without a value"),
            (
                {"format": "gguf", "keys": [["llama.block_count", "uint32", 7]]},
                "'llama.block_count' is 7, which contra",
            ),
            ({"format": "gguf", "keys": [["llama.block_count", "string"]]}, "value is no string"),
        ],
    )
    def test_that_contradicts_itself(self, foreign: Callable[..., Foreign], source: Any, said: str) -> None:
        file = foreign()
        file.metadata["source_metadata"] = source
        with pytest.raises(UnusableInput, match=said):
            file.open()

    def test_of_upstreams_kind_is_left_alone(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        expected = dict(file.open().metadata)
        file.metadata["source_metadata"] = {"format": "pt", "note": "x"}
        assert dict(file.open().metadata) == expected

    def test_what_was_changed_since_is_not_lost(self, foreign: Callable[..., Foreign]) -> None:
        file = foreign()
        file.metadata["head_dim"] = 16
        file.metadata["source_metadata"] = {"format": "gguf", "keys": [["general.architecture", "string"]]}
        assert "llama.attention.key_length" not in file.open().metadata  # hidden / heads, which GGUF leaves unsaid
        file.metadata["head_dim"] = 8
        assert file.open().metadata["llama.attention.key_length"] == 8

    @given(
        st.one_of(
            st.tuples(st.floats(width=32), st.just("float32")),
            st.tuples(st.floats(), st.just("float64")),
            st.tuples(st.integers(0, 2**64 - 1), st.just("uint64")),
            st.tuples(st.integers(-(2**63), 2**63 - 1), st.just("int64")),
            st.tuples(st.text(), st.just("string")),
            st.tuples(st.booleans(), st.just("bool")),
            st.tuples(st.lists(st.floats(width=32)), st.just("array:float32")),
        )
    )
    def test_values_keep_their_bits(self, pair: tuple[Any, str]) -> None:
        value, kind = pair

        def bits(v: Any) -> Any:
            return [bits(m) for m in v] if isinstance(v, list) else struct.pack("<d", v) if isinstance(v, float) else v

        if isinstance(value, float) and kind == "float32" and np.isnan(value):
            return  # Python has no NaN of 32 bits: the next test goes from bits to bits
        assert bits(decode_value(encode_value(value, kind), kind, "x")) == bits(value)

    @given(st.integers(0, 2**32 - 1))
    def test_floats_that_json_does_not_have(self, pattern: int) -> None:
        (value,) = struct.unpack("<f", struct.pack("<I", pattern))
        back = decode_value(encode_value(value, "float32"), "float32", "x")
        assert struct.pack("<f", back) == struct.pack("<f", value)
        assert isinstance(encode_value(value, "float32"), str) == (not np.isfinite(value))


def test_every_name_of_the_fixtures_has_its_place(foreign: Callable[..., Foreign]) -> None:
    file = foreign("qwen3moe-q4_k_m")
    assert sorted(place_of("qwen3moe", name).name for name in file.tensors) == sorted(file.open().tensors)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_NAMES = [
    "tied_embeddings",
    "tensor_shapes",
    "source_metadata",
    "rope_scaling",
    "head_dim",
    "num_experts",
    "hf_model_type",
]


class TestHostile:
    """Whatever an .apr file says, it opens or is refused: no other exception, no crash behind it."""

    @settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_value_under_any_key(self, foreign: Callable[..., Foreign], data: st.DataObject) -> None:
        file = foreign()
        keys = data.draw(st.lists(st.sampled_from([*file.metadata, *_NAMES]), min_size=1, max_size=2, unique=True))
        for key in keys:
            file.metadata[key] = data.draw(_JSON, label=key)
        self.open(file)

    @settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_source(self, foreign: Callable[..., Foreign], data: st.DataObject) -> None:
        kinds = st.sampled_from(
            ["uint8", "string", "array:string", "array:array:uint8", "float32", "array:", "", "bool"]
        )
        entry = st.lists(_JSON, max_size=4) | st.tuples(st.sampled_from(["x", "llama.block_count"]), kinds, _JSON).map(
            list
        )
        file = foreign()
        file.metadata["source_metadata"] = {
            "format": data.draw(st.just("gguf") | _JSON),
            "keys": data.draw(st.lists(entry, max_size=3) | _JSON),
            "tensors": data.draw(st.lists(st.text(max_size=5), max_size=2) | _JSON),
        }
        self.open(file)

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_any_shapes_and_names(self, foreign: Callable[..., Foreign], data: st.DataObject) -> None:
        file = foreign(
            data.draw(st.sampled_from(["llama-biased-f32", "qwen3moe-f32"])),
            layout=data.draw(st.sampled_from(["hf", "gguf"])),
        )
        for _ in range(data.draw(st.integers(1, 3))):
            name = data.draw(st.sampled_from(sorted(file.tensors)))
            other = name
            for part in ("q_proj", "gate_proj", "experts", "layers.0", "self_attn", "model."):
                if part in name and data.draw(st.booleans()):
                    wrong = ["qkv_proj", "experts.1", "layers.7", "mlp", ""]
                    other = name.replace(part, data.draw(st.sampled_from(wrong)))
            shape = data.draw(st.lists(st.integers(1, 6), max_size=4))
            size = int(np.prod(shape, dtype=np.int64))
            file.tensors.pop(name)
            if other:
                file.tensors[other] = 0, tuple(shape), bytes(4 * size)
        self.open(file)

    def open(self, file: Foreign) -> None:
        problem = str(file.path)
        try:
            model = file.open()
            load(model, F32)
            for name in model.tensors:
                model.raw(name)
                model.release(name)
        except AprError as error:
            problem = str(error)
        assert str(file.path) in problem
