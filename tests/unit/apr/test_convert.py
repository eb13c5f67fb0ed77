"""Conversions: bytes that stay the same, and everything that is refused before a byte is written."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest
from gguf import GGMLQuantizationType as Type

from apr.convert import Export, Floats, Import, ImportOptions, Quantise, importing, read_tokenizer
from apr.convert.numbers import narrowed, numbers
from apr.convert.row_order import reordered
from apr.engines.reference import Reference
from apr.errors import UnsupportedModel, UnusableInput, UsageError
from apr.formats import open_model
from apr.formats.apr import Flags, Layout, canonical, read_apr
from apr.formats.apr_model import AprModel
from apr.formats.gguf import read_gguf
from apr.formats.names import hf_name
from apr.models import load
from apr.ops.arithmetic import F32
from apr.quant import apr_blocks
from apr.quant.apr_blocks import encode_apr_q4, encode_apr_q8, stream_apr_q4, stream_apr_q8
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from apr.formats.model_file import ModelFile

APR, GGML = ImportOptions(), ImportOptions(Layout.GGML)
LOSSLESS_AS_APR = [
    *("llama-q4_k_m", "llama-q6_k", "llama-massive-q4_k_m", "llama-nan-f32", "llama-f16", "llama-biased-f32"),
    *("llama-wide-f32", "llama-yarn-f32", "llama-llama3-f32", "qwen2-f32", "qwen2-yarn-f32"),
    *("qwen3-q4_k_m", "qwen3-q6_k", "qwen3moe-q4_k_m"),
]
LOSSLESS_AS_GGML = [*LOSSLESS_AS_APR, "llama-spm-q8_0", "llama-tied-q8_0", "qwen2-q4_k_m", "qwen3moe-eight-q4_k_m"]
TOKENS = [1, 5, 77, 30]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def kinds(value_type: str) -> tuple[gguf.GGUFValueType, gguf.GGUFValueType | None]:
    outer, _, inner = value_type.upper().partition(":")
    return gguf.GGUFValueType[outer], gguf.GGUFValueType[inner] if inner else None


def logits(file: ModelFile) -> Any:
    capture = Reference(file, F32).capture(TOKENS)
    return capture[capture.keys_in_order()[-1]]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        *(pytest.param(name, APR, id=f"{name}-hf") for name in LOSSLESS_AS_APR),
        *(pytest.param(name, GGML, id=f"{name}-gguf") for name in LOSSLESS_AS_GGML),
    ],
)
def test_there_and_back_is_the_same_file(
    fixture_model: Callable[[str], Path], tmp_path: Path, name: str, options: ImportOptions
) -> None:
    source = open_model(fixture_model(name))
    done = Import(source, options).write(tmp_path / "x.apr")
    assert done.nbytes == (tmp_path / "x.apr").stat().st_size
    assert not done.changed
    model = open_model(tmp_path / "x.apr")
    assert list(model.metadata.items()) == list(source.metadata.items())
    assert model.weights_sha256 == source.weights_sha256
    exported = Export(model).write(tmp_path / "x.gguf")
    assert exported.nbytes == (tmp_path / "x.gguf").stat().st_size
    assert not exported.changed
    assert not exported.notes
    assert sha256(tmp_path / "x.gguf") == sha256(source.path)


def test_the_two_layouts_are_those_of_their_writers(fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    source = open_model(fixture_model("qwen3-q4_k_m"))
    Import(source, APR).write(tmp_path / "a.apr")
    Import(source, GGML).write(tmp_path / "b.apr")
    a, b = read_apr(tmp_path / "a.apr"), read_apr(tmp_path / "b.apr")
    assert (a.layout, b.layout) == (Layout.APR, Layout.GGML)
    assert int(a.flags) == 0x0400 | 0x0020
    assert int(b.flags) == 0x0020
    assert (a.footer is None, b.footer is None) == (False, True)
    footer = a.verify_footer()
    assert footer is not None
    assert footer.matches
    assert a.tensors["model.layers.0.self_attn.k_proj.weight"].shape == (128, 256)
    assert b.tensors["blk.0.attn_k.weight"].shape == (256, 128)
    assert a.tensors["lm_head.weight"].nbytes == a.tensors["model.embed_tokens.weight"].nbytes
    assert "output.weight" not in b.tensors
    assert a.metadata["tied_embeddings"] is True
    assert a.metadata["tensor_shapes"]["model.norm.weight"] == [256]
    assert (a.metadata["license"], a.metadata["model_type"]) == (None, "qwen3")
    assert b.metadata["model_type"] == "transformer_lm_q4k"
    assert (b.metadata["num_hidden_layers"], b.metadata["num_attention_heads"], b.metadata["num_key_value_heads"]) == (
        *(2, 8, 2),
    )
    assert list(b.metadata) == sorted(b.metadata)
    for file in (a, b):
        stated = canonical(file.metadata)
        assert (stated["head_dim"], stated["rope_type"], stated["vocab_size"]) == (64, 2, 320)
        assert stated["quantization"]["quant_type"] == "Q4_K"
        assert stated["total_size"] == sum(tensor.nbytes for tensor in file.tensors.values())
    parameters = sum(int(np.prod(tensor.shape)) for tensor in source.tensors.values())
    assert a.metadata["param_count"] == b.metadata["param_count"] == parameters


def test_sizes_that_gguf_leaves_unsaid(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    source = open_model(tiny_llama(kv_heads=None, head_dim=None))
    Import(source).write(tmp_path / "x.apr")
    model = open_model(tmp_path / "x.apr")
    assert isinstance(model, AprModel)
    assert (model.stated["num_kv_heads"], model.stated["head_dim"]) == (4, 16)
    assert list(model.metadata) == list(source.metadata)
    assert load(model, F32).config == load(source, F32).config


def test_keys_of_every_type(tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
    path = tmp_path / "typed.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    source = read_gguf(tiny_llama())
    values: dict[str, tuple[Any, gguf.GGUFValueType, gguf.GGUFValueType | None]] = {}
    for key, value in source.metadata.items():
        values[key] = value, *kinds(source.value_types[key])
    kind = gguf.GGUFValueType
    values |= {
        "general.license": (["mit", "x"], kind.ARRAY, kind.STRING),
        "general.author": ("ü\u2028\0", kind.STRING, None),
        "x.u64": (2**64 - 1, kind.UINT64, None),
        "x.i64": (-(2**63), kind.INT64, None),
        "x.i8": (-128, kind.INT8, None),
        "x.f64": (0.1, kind.FLOAT64, None),
        "x.nan": (float("nan"), kind.FLOAT32, None),
        "x.infinite": ([float("-inf"), -0.0, 1e-45], kind.ARRAY, kind.FLOAT32),
        "x.flags": ([True, False], kind.ARRAY, kind.BOOL),
        "x.bytes": ([0, 255], kind.ARRAY, kind.UINT8),
        "general.alignment": (64, kind.UINT32, None),
        "llama.rope.freq_base": (10000.1, kind.FLOAT64, None),  # no float32 has this value
    }
    writer.kv_data[0].clear()
    for key, (value, outer, inner) in values.items():
        writer.add_key_value(key, value, outer, inner)
    writer.data_alignment = 64
    for name in reversed(list(source.tensors)):
        writer.add_tensor(name, source.raw(name).view("<f4").reshape(source.tensors[name].shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    for options in (APR, GGML):
        Import(open_model(path), options).write(tmp_path / "x.apr")
        model = open_model(tmp_path / "x.apr")
        assert model.value_types["x.i8"] == "int8"
        assert model.metadata["x.i64"] == -(2**63)
        Export(model).write(tmp_path / "x.gguf")
        assert sha256(tmp_path / "x.gguf") == sha256(path)


class TestTypes:
    def test_that_the_layout_does_not_have(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        source = open_model(fixture_model("qwen2-q4_k_m"))
        with pytest.raises(UnsupportedModel) as refused:
            Import(source)
        assert "1 of type Q5_0 (first 'blk.0.ffn_down.weight'), 1 of type Q8_0" in str(refused.value)
        assert "--layout gguf" in str(refused.value)
        done = Import(source, ImportOptions(dequantise=True)).write(tmp_path / "x.apr")
        assert done.changed == {"Q5_0 to F32": 1, "Q8_0 to F32": 1}
        model = open_model(tmp_path / "x.apr")
        assert np.array_equal(logits(model), logits(source))
        for name, tensor in source.tensors.items():
            if tensor.type_name not in {"Q5_0", "Q8_0"}:
                assert np.array_equal(model.raw(name), source.raw(name))

    def test_that_no_layout_has(self, tiny_llama: Callable[..., Path]) -> None:
        source = open_model(tiny_llama("MXFP4"))
        for options in (APR, GGML):
            with pytest.raises(UnsupportedModel, match="16 of type MXFP4") as refused:
                Import(source, options)
            assert ("--layout gguf" in str(refused.value)) == (options is APR)
        assert Import(source, ImportOptions(Layout.GGML, dequantise=True)).nbytes

    def test_a_file_type_that_is_no_longer_true_goes(self, tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
        source = open_model(tiny_llama("Q8_0", metadata=(("general.file_type", 7),)))
        Import(source, ImportOptions(dequantise=True)).write(tmp_path / "x.apr")
        model = open_model(tmp_path / "x.apr")
        assert dict(model.metadata) == {k: v for k, v in source.metadata.items() if k != "general.file_type"}
        Import(source, GGML).write(tmp_path / "y.apr")
        assert open_model(tmp_path / "y.apr").metadata["general.file_type"] == 7

    @pytest.mark.parametrize(
        ("quantise", "kind", "bound"), [("fp16", "F16", 2e-3), ("int8", "AprQ8", 0.1), ("int4", "AprQ4", 1.0)]
    )
    def test_encoded_anew(
        self, fixture_model: Callable[[str], Path], tmp_path: Path, quantise: str, kind: str, bound: float
    ) -> None:
        source = open_model(fixture_model("qwen2-f32"))
        done = Import(source, ImportOptions(quantise=Quantise(quantise))).write(tmp_path / "x.apr")
        assert done.changed == {f"F32 to {kind}": 16}
        assert done.kept == {"F32": 11}  # norms and biases
        model = open_model(tmp_path / "x.apr")
        ours, theirs = logits(model), logits(source)
        distance = np.abs(ours - theirs).max() / np.abs(theirs).max()
        assert 0 < distance < bound
        weights = Weights(model)
        for name in ("token_embd.weight", "blk.1.ffn_down.weight"):
            whole = np.concatenate(list(numbers(model, name)))
            assert np.array_equal(weights.dequantised(name), whole)
            assert np.array_equal(weights.rows(name, np.array([7, 0])), whole[[7, 0]])

    @pytest.mark.parametrize("part", [1, 7, 32, 100, 4096])
    def test_encoded_in_pieces(self, monkeypatch: pytest.MonkeyPatch, part: int) -> None:
        values = np.random.Generator(np.random.PCG64(part)).standard_normal(331).astype(np.float32)
        whole = encode_apr_q4(values), encode_apr_q8(values)
        monkeypatch.setattr(apr_blocks, "_PART", part)
        cuts = [values[:5], values[5:5], values[5:200].reshape(-1, 5), values[200:]]
        assert np.array_equal(np.concatenate(list(stream_apr_q4(iter(cuts)))), whole[0])
        assert np.array_equal(np.concatenate(list(stream_apr_q8(lambda: iter(cuts)))), whole[1])

    def test_what_is_lost_in_pieces_is_lost(self) -> None:
        lost = np.zeros(2048, np.float32)
        lost[0] = 1
        for stream in (stream_apr_q4([lost[:40], lost[40:]]), stream_apr_q8(lambda: [lost[:40], lost[40:]])):
            with pytest.raises(UnusableInput, match="2047 of 2048 values become zero"):
                list(stream)

    def test_experts_have_no_common_scale(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        source = open_model(fixture_model("qwen3moe-q4_k_m"))
        with pytest.raises(UnsupportedModel, match=r"ffn_gate_exps.*one scale would serve all experts"):
            Import(source, ImportOptions(quantise=Quantise.INT8))
        Import(source, ImportOptions(quantise=Quantise.FP16)).write(tmp_path / "x.apr")
        model = open_model(tmp_path / "x.apr")
        assert model.tensors["blk.0.ffn_gate_inp.weight"].type_name == "F32"
        assert np.isfinite(logits(model)).all()

    def test_that_only_one_layout_has(self, fixture_model: Callable[[str], Path]) -> None:
        source = open_model(fixture_model("llama-nan-f32"))
        with pytest.raises(UnsupportedModel, match="type AprQ4 is not one of layout gguf; use --layout hf"):
            Import(source, ImportOptions(Layout.GGML, quantise=Quantise.INT4))

    def test_numbers_that_the_type_cannot_hold(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        """The NaNs of the embedding: found while writing, and nothing is left behind."""
        source = open_model(fixture_model("llama-nan-f32"))
        with pytest.raises(UnusableInput, match=r"token_embd.weight'.*NaN"):
            Import(source, ImportOptions(quantise=Quantise.INT8)).write(tmp_path / "x.apr")
        assert list(tmp_path.iterdir()) == []

    def test_float16_rounds_and_does_not_overflow(self) -> None:
        rows = np.array([[255.99, 2.0**-24, 3 * 2.0**-26, -np.inf, np.nan]], np.float32)
        half = narrowed(rows, "x")
        assert half[0, :4].tolist() == [256.0, 2.0**-24, 2.0**-24, -np.inf]
        assert np.isnan(half[0, 4])
        with pytest.raises(UnsupportedModel, match=r"6\.55e\+04 are beyond float16"):
            narrowed(np.array([[65536.0 + 1, np.nan]], np.float32), "x")


class TestTied:
    def test_without_a_copy(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        source = open_model(fixture_model("qwen3-q4_k_m"))
        Import(source, ImportOptions(keep_tied=True)).write(tmp_path / "x.apr")
        assert "lm_head.weight" not in read_apr(tmp_path / "x.apr").tensors
        Export(open_model(tmp_path / "x.apr")).write(tmp_path / "x.gguf")
        assert sha256(tmp_path / "x.gguf") == sha256(source.path)

    def test_a_head_of_its_own_that_is_equal_stays(self, maker: Any, tmp_path: Path) -> None:
        spec = maker.Spec()
        weights = maker.tensors(spec)
        weights["output.weight"] = weights["token_embd.weight"].copy()
        source = open_model(maker.write_model(tmp_path / "s.gguf", spec, weights))
        Import(source).write(tmp_path / "x.apr")
        assert "output.weight" in open_model(tmp_path / "x.apr").tensors
        Export(open_model(tmp_path / "x.apr")).write(tmp_path / "x.gguf")
        assert sha256(tmp_path / "x.gguf") == sha256(source.path)


class TestShards:
    def test_there_and_back(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        source = open_model(fixture_model("qwen3-q4_k_m"))
        conversion = Import(source)
        told: list[int] = []
        done = conversion.write_shards(tmp_path / "m.apr", 200_000, told.append)
        names = [f"m-0000{n}-of-00004.apr" for n in range(1, 5)]
        assert [path.name for path in done.shards] == names
        assert sorted(path.name for path in tmp_path.iterdir()) == [*names, "m.index.json"]
        assert sum(told) == conversion.nbytes
        assert done.nbytes == sum(path.stat().st_size for path in done.shards)
        for given in ("m.index.json", names[2]):
            model = open_model(tmp_path / given)
            assert list(model.metadata.items()) == list(source.metadata.items())
            assert model.weights_sha256 == source.weights_sha256
            Export(model).write(tmp_path / "x.gguf")
            assert sha256(tmp_path / "x.gguf") == sha256(source.path)

    def test_a_tensor_larger_than_a_shard_is_alone(self, fixture_model: Callable[[str], Path]) -> None:
        conversion = Import(open_model(fixture_model("qwen3-q4_k_m")))
        shares = conversion.shards(1000)
        assert [tensor for share in shares for tensor in share] == list(conversion.planned)
        assert all(len(share) == 1 or sum(tensor.nbytes for tensor in share) <= 1000 for share in shares)
        assert conversion.shards(10**9) == [list(conversion.planned)]

    def test_refused(
        self, fixture_model: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        source = open_model(fixture_model("llama-nan-f32"))
        with pytest.raises(UsageError, match="layout gguf are not split"):
            Import(source, GGML).write_shards(tmp_path / "m.apr", 1000)
        monkeypatch.setattr(importing, "MAX_SHARDS", 3)
        with pytest.raises(UsageError, match="at most 3 are read"):
            Import(source).shards(1000)
        assert list(tmp_path.iterdir()) == []

    def test_what_cannot_be_finished_leaves_nothing(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        (tmp_path / "m.index.json").mkdir()  # in the manifest's way
        with pytest.raises(UsageError, match="cannot be written"):
            Import(open_model(fixture_model("llama-nan-f32"))).write_shards(tmp_path / "m.apr", 50_000)
        assert [path.name for path in tmp_path.iterdir()] == ["m.index.json"]


class TestEvidence:
    """What a model is, its tensors say."""

    def edited(self, path: Path, out: Path, edit: Callable[[dict[str, Any], dict[str, Any]], None]) -> ModelFile:
        """A GGUF file with other metadata or tensors: name to (type, bytes as [rows, bytes a row])."""
        source = read_gguf(path)
        metadata: dict[str, Any] = dict(source.metadata)
        tensors = {name: (info.ggml_type, info.shape, source.raw(name)) for name, info in source.tensors.items()}
        edit(metadata, tensors)
        writer = gguf.GGUFWriter(out, source.architecture)
        writer.kv_data[0].clear()
        for key, value in metadata.items():
            writer.add_key_value(key, value, *kinds(source.value_types[key]))
        for name, (kind, shape, raw) in tensors.items():
            writer.add_tensor_info(name, shape, np.dtype(np.float32), raw.nbytes, kind)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        for _, _, raw in tensors.values():
            writer.write_tensor_data(raw)
        writer.close()
        return open_model(out)

    def refused(self, file: ModelFile, said: str) -> None:
        for conversion in (lambda: Import(file), lambda: Export(file)):
            with pytest.raises(UnusableInput, match=said):
                conversion()

    @pytest.mark.parametrize(
        ("architecture", "says", "tensor"),
        [
            ("qwen3", "qwen2", "attn_q_norm.weight"),
            ("qwen3moe", "qwen3", "ffn_gate_inp.weight"),
            ("qwen2", "qwen3", "attn_q.bias"),
        ],
    )
    def test_another_architecture_than_the_metadata_says(
        self, tiny_model: Callable[..., Path], architecture: str, says: str, tensor: str
    ) -> None:
        path = tiny_model(architecture, metadata=(("general.architecture", says), (f"{says}.block_count", 2)))
        self.refused(
            open_model(path), f"'{says}' has no tensor 'blk.0.{tensor}'; tensors of this name .*{architecture}"
        )

    @pytest.mark.parametrize("name", ["blk.1.attn_q_norm.weight", "blk.0.ffn_up.weight", "output_norm.weight"])
    def test_a_missing_tensor(self, fixture_model: Callable[[str], Path], tmp_path: Path, name: str) -> None:
        file = self.edited(fixture_model("qwen3-q4_k_m"), tmp_path / "x.gguf", lambda _m, t: t.pop(name))
        self.refused(file, f"tensor '{name}': is missing, and every qwen3 has it")

    def test_a_layer_more_or_less(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        path = fixture_model("llama-nan-f32")
        fewer = self.edited(path, tmp_path / "1.gguf", lambda m, _t: m.update({"llama.block_count": 1}))
        self.refused(fewer, "belongs to layer 1, the metadata says that there are 1")
        more = self.edited(path, tmp_path / "3.gguf", lambda m, _t: m.update({"llama.block_count": 3}))
        self.refused(more, "tensor 'blk.2.*': is missing")
        many = self.edited(path, tmp_path / "9.gguf", lambda m, _t: m.update({"llama.block_count": 2**31}))
        self.refused(many, "announces 2147483648 layers")

    def test_a_head_that_was_turned_round(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        def edit(_metadata: dict[str, Any], tensors: dict[str, Any]) -> None:
            kind, shape, raw = tensors["output.weight"]
            tensors["output.weight"] = kind, shape[::-1], raw

        file = self.edited(fixture_model("llama-nan-f32"), tmp_path / "x.gguf", edit)
        self.refused(file, r"'output.weight': has shape \[32, 267\]; 267 tokens of width 32 need")

    def test_a_vocabulary_that_does_not_fit(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        path = fixture_model("llama-nan-f32")
        file = self.edited(path, tmp_path / "x.gguf", lambda m, _t: m.update({"llama.vocab_size": 266}))
        self.refused(file, "vocab_size': is 266, the embedding has 267 rows")

        def more(metadata: dict[str, Any], _tensors: dict[str, Any]) -> None:
            metadata["tokenizer.ggml.tokens"] = [*metadata["tokenizer.ggml.tokens"], "x"]

        with pytest.raises(UnusableInput, match="268 tokens, the embedding has only 267 rows"):
            Import(self.edited(path, tmp_path / "y.gguf", more))

    def test_an_architecture_that_is_not_known(self, tiny_llama: Callable[..., Path]) -> None:
        file = open_model(tiny_llama(metadata=(("general.architecture", "gemma2"),)))
        self.refused(file, "general.architecture': the names of architecture 'gemma2' are not known")

    @pytest.mark.parametrize("key", ["embedding_length", "rope.freq_base", "attention.layer_norm_rms_epsilon"])
    def test_a_size_that_is_missing(self, fixture_model: Callable[[str], Path], tmp_path: Path, key: str) -> None:
        path = fixture_model("llama-nan-f32")
        file = self.edited(path, tmp_path / "x.gguf", lambda m, _t: m.pop(f"llama.{key}"))
        with pytest.raises(UnusableInput, match=f"'llama.{key}' is missing"):
            Import(file).write(tmp_path / "x.apr")
        assert not (tmp_path / "x.apr").exists()

    def test_no_tokenizer(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        path = fixture_model("llama-nan-f32")

        def edit(metadata: dict[str, Any], _tensors: dict[str, Any]) -> None:
            for key in [key for key in metadata if key.startswith("tokenizer.")]:
                del metadata[key]

        file = self.edited(path, tmp_path / "x.gguf", edit)
        with pytest.raises(UnusableInput, match=r"has no tokenizer.*--tokenizer"):
            Import(file)
        Import(file, tokenizer=read_tokenizer(path, 267)).write(tmp_path / "x.apr")
        model, whole = open_model(tmp_path / "x.apr"), read_gguf(path)
        assert dict(model.metadata) == dict(whole.metadata)
        assert dict(model.value_types) == dict(whole.value_types)


class TestFolder:
    """A folder in Hugging Face's layout is a source like any other."""

    @pytest.fixture
    def folder(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> Path:
        """The checkpoint that a GGUF file of a llama was made of, so to say."""
        from safetensors.numpy import save_file

        source = read_gguf(fixture_model("llama-biased-f32"))
        folder = tmp_path / "checkpoint"
        folder.mkdir()
        arrays = {}
        for name, tensor in source.tensors.items():
            rows, heads = source.raw(name), {"q": 4, "k": 2}.get(name.partition(".attn_")[2][:1], 0)
            if heads and name.split(".")[2] in {"attn_q", "attn_k"}:
                rows = reordered(rows.reshape(tensor.shape[0], -1), heads, "neox")
            arrays[hf_name("llama", name)] = np.ascontiguousarray(rows).view("<f4").reshape(tensor.shape)
        save_file(arrays, folder / "model.safetensors")
        config = {
            "model_type": "llama",
            "architectures": ["LlamaForCausalLM"],
            "hidden_size": 64,
            "intermediate_size": 96,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "vocab_size": source.tensors["token_embd.weight"].shape[0],
            "max_position_embeddings": 256,
            "rms_norm_eps": 1e-5,
            "rope_theta": 10000.0,
            "hidden_act": "silu",
            "attention_bias": True,
            "mlp_bias": False,
            "tie_word_embeddings": False,
        }
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        return folder

    def tokenizer(self, folder: Path) -> Path:
        path = folder / "tokenizer.json"
        content = {
            "model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
            "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True},
            "added_tokens": [{"id": 3, "content": "<|end|>", "special": True}],
        }
        path.write_text(json.dumps(content), encoding="utf-8")
        return path

    def test_becomes_apr_and_gguf(self, folder: Path, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        same = read_gguf(fixture_model("llama-biased-f32"))
        with pytest.raises(UnusableInput, match="has no tokenizer"):
            Import(open_model(folder))
        self.tokenizer(folder)
        source = open_model(folder)
        for options in (APR, GGML):
            Import(source, options).write(tmp_path / "x.apr")
            model = open_model(tmp_path / "x.apr")
            assert model.weights_sha256 == same.weights_sha256
            assert load(model, F32).config == load(same, F32).config
            assert {k: v for k, v in model.metadata.items() if type(v) is not float} == {
                k: v for k, v in source.metadata.items() if type(v) is not float
            }  # floats have GGUF's precision now
        Export(source).write(tmp_path / "x.gguf")
        exported = read_gguf(tmp_path / "x.gguf")
        assert exported.weights_sha256 == same.weights_sha256
        for key in ("llama.block_count", "llama.rope.freq_base", "llama.attention.layer_norm_rms_epsilon"):
            assert (exported.metadata[key], exported.value_types[key]) == (same.metadata[key], same.value_types[key])

    def test_a_tokenizer_of_its_kind(self, folder: Path, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        path = self.tokenizer(folder)
        found = read_tokenizer(path, 267)
        assert found.values["tokenizer.ggml.tokens"][:5] == ["a", "b", "ab", "<|end|>", "[PAD4]"]  # type: ignore[index]
        source = read_gguf(fixture_model("llama-biased-f32"))
        Import(source, tokenizer=found).write(tmp_path / "x.apr")
        model = open_model(tmp_path / "x.apr")
        assert model.metadata["tokenizer.ggml.merges"] == ["a b"]
        assert [key for key in model.metadata if not key.startswith("tokenizer.")] == [
            key for key in source.metadata if not key.startswith("tokenizer.")
        ]
        path.write_text(json.dumps({"model": {"type": "Unigram", "vocab": []}}), encoding="utf-8")
        with pytest.raises(UnusableInput, match="holds no tokenizer that has a place"):
            read_tokenizer(path, 267)


class TestRows:
    """Which rows of a head rotate together."""

    def test_there_and_back(self) -> None:
        rows = np.arange(3 * 8 * 5, dtype=np.uint8).reshape(24, 5)  # 3 heads of 8
        woven = reordered(rows, 3, "norm")
        assert woven[:8, 0].tolist() == rows[[0, 4, 1, 5, 2, 6, 3, 7], 0].tolist()
        assert woven[8:16, 0].tolist() == rows[[8, 12, 9, 13, 10, 14, 11, 15], 0].tolist()
        assert np.array_equal(reordered(woven, 3, "neox"), rows)

    @pytest.mark.parametrize("name", ["llama-biased-f32", "llama-q4_k_m"])
    def test_of_a_llama_in_checkpoint_order(
        self, fixture_model: Callable[[str], Path], tmp_path: Path, by_hand: Any, name: str
    ) -> None:
        source = read_gguf(fixture_model(name))
        Import(source, GGML).write(tmp_path / "norm.apr")
        packed = read_apr(tmp_path / "norm.apr")
        entries = []
        for tensor in packed.tensors.values():
            data, kind = packed.raw(tensor.name), source.tensors[tensor.name]
            part = tensor.name.split(".")[2:3]
            if part in (["attn_q"], ["attn_k"]):
                heads = source.require(f"llama.attention.head_count{'' if part == ['attn_q'] else '_kv'}", int)
                data = reordered(data.reshape(kind.shape[0], -1), heads, "neox").reshape(-1)
            entries.append((tensor.name, int(kind.ggml_type), tensor.shape, data.tobytes()))
        path = tmp_path / "neox.apr"
        path.write_bytes(by_hand({**packed.metadata, "rope_type": 2}, entries, flags=0x0020).bytes)
        model = open_model(path)
        assert model.rope_kind == "neox"
        # the same sums in another order: a norm of 64 products, each rounded to 2**-24
        assert np.allclose(logits(model), logits(source), rtol=0, atol=1e-4 * np.abs(logits(source)).max())
        done = Export(model).write(tmp_path / "x.gguf")
        assert done.notes == ["rows of queries and keys were put into the order that GGUF has them in"]
        assert sha256(tmp_path / "x.gguf") == sha256(source.path)
        # and the .apr file of a model whose rows are the checkpoint's says so
        Import(model).write(tmp_path / "again.apr")
        again = open_model(tmp_path / "again.apr")
        assert again.rope_kind == "neox"
        assert again.weights_sha256 == model.weights_sha256

    def test_with_norms_of_heads(self, fixture_model: Callable[[str], Path], tmp_path: Path, by_hand: Any) -> None:
        Import(open_model(fixture_model("qwen3-q6_k")), GGML).write(tmp_path / "x.apr")
        packed = read_apr(tmp_path / "x.apr")
        codes = {"F32": 0, "Q6_K": 14}
        entries = [(t.name, codes[t.type_name], t.shape, packed.raw(t.name).tobytes()) for t in packed.tensors.values()]
        (tmp_path / "y.apr").write_bytes(by_hand({**packed.metadata, "rope_type": 0}, entries, flags=0x0020).bytes)
        with pytest.raises(
            UnsupportedModel, match="rows ordered as norm in an architecture with norms of single heads"
        ):
            Export(open_model(tmp_path / "y.apr"))


class TestExport:
    @pytest.mark.parametrize(("quantise", "kind"), [("int8", "AprQ8"), ("int4", "AprQ4")])
    def test_types_of_aprs_own(
        self, fixture_model: Callable[[str], Path], tmp_path: Path, quantise: str, kind: str
    ) -> None:
        source = open_model(fixture_model("llama-f16"))
        Import(source, ImportOptions(quantise=Quantise(quantise))).write(tmp_path / "x.apr")
        model = open_model(tmp_path / "x.apr")
        with pytest.raises(UnsupportedModel, match=f"type {kind} does not exist in GGUF.*--dequantise"):
            Export(model)
        Export(model, Floats.F32).write(tmp_path / "x.gguf")
        exported = open_model(tmp_path / "x.gguf")
        assert exported.tensors["output.weight"].type_name == "F32"
        assert np.array_equal(logits(exported), logits(model))
        assert Export(model, Floats.F16).write(tmp_path / "x.gguf").changed == {f"{kind} to F16": 16}

    def test_a_number_that_gguf_has_no_type_for(self, fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
        Import(open_model(fixture_model("llama-nan-f32"))).write(tmp_path / "x.apr")
        model = open_model(tmp_path / "x.apr")
        key = "tokenizer.ggml.eos_token_id"
        model.metadata = {**model.metadata, key: 2**64}
        with pytest.raises(UnusableInput, match=rf"'{key}': is 18446744073709551616, which is no uint"):
            Export(model).write(tmp_path / "y.gguf")
        assert not (tmp_path / "y.gguf").exists()

    def test_rows_that_were_filled_up(self, fixture_model: Callable[[str], Path], tmp_path: Path, by_hand: Any) -> None:
        blocks = open_model(fixture_model("llama-q4_k_m")).raw("blk.0.attn_q.weight").reshape(-1, 144)
        Import(open_model(fixture_model("llama-nan-f32"))).write(tmp_path / "x.apr")
        packed = read_apr(tmp_path / "x.apr")
        entries = [(t.name, 0, t.shape, packed.raw(t.name).tobytes()) for t in packed.tensors.values()]
        name = "model.layers.1.self_attn.o_proj.weight"
        index = next(i for i, entry in enumerate(entries) if entry[0] == name)
        entries[index] = name, 12, entries[index][2], blocks[:32].tobytes()
        (tmp_path / "y.apr").write_bytes(by_hand(dict(packed.metadata), entries).bytes)
        model = open_model(tmp_path / "y.apr")
        with pytest.raises(UnsupportedModel, match="Q4_K padded does not exist in GGUF, whose rows are whole blocks"):
            Export(model)
        Export(model, Floats.F32).write(tmp_path / "y.gguf")
        exported = open_model(tmp_path / "y.gguf")
        expected = gguf.quants.dequantize(blocks[:32], Type.Q4_K)[:, :32]
        assert np.array_equal(Weights(exported).dequantised("blk.1.attn_output.weight"), expected)

    def test_of_a_file_that_says_nothing_of_its_source(
        self, fixture_model: Callable[[str], Path], tmp_path: Path, by_hand: Any
    ) -> None:
        """As another program writes it: types and order as converters have them, and tokens for all rows."""
        source = read_gguf(fixture_model("qwen3-q6_k"))
        Import(source, GGML).write(tmp_path / "x.apr")
        packed = read_apr(tmp_path / "x.apr")
        metadata = {key: value for key, value in packed.metadata.items() if key != "source_metadata"}
        metadata["tokenizer.vocabulary"] = metadata["tokenizer.vocabulary"][:300]
        metadata["tokenizer.token_types"] = metadata["tokenizer.token_types"][:300]
        codes = {"F32": 0, "Q6_K": 14}
        entries = [(t.name, codes[t.type_name], t.shape, packed.raw(t.name).tobytes()) for t in packed.tensors.values()]
        (tmp_path / "y.apr").write_bytes(by_hand(metadata, entries, flags=0x0020).bytes)
        done = Export(open_model(tmp_path / "y.apr")).write(tmp_path / "y.gguf")
        assert done.notes == ["20 rows of the embedding have no token; they were named [PAD300] and so on"]
        exported = read_gguf(tmp_path / "y.gguf")
        assert next(iter(exported.tensors)) == "token_embd.weight"
        assert exported.weights_sha256 == source.weights_sha256
        for key in ("embedding_length", "attention.key_length", "attention.value_length", "rope.freq_base"):
            assert exported.metadata[f"qwen3.{key}"] == source.metadata[f"qwen3.{key}"]
            assert exported.value_types[f"qwen3.{key}"] == source.value_types[f"qwen3.{key}"]
        assert exported.value_types["tokenizer.ggml.token_type"] == "array:int32"
        tokens = exported.require("tokenizer.ggml.tokens", list)
        assert (len(tokens), tokens[299:301]) == (320, [source.require("tokenizer.ggml.tokens", list)[299], "[PAD300]"])
        assert exported.require("tokenizer.ggml.token_type", list)[-1] == 5

    def test_empty_lists_are_said_to_be_lost(self, tiny_llama: Callable[..., Path], tmp_path: Path) -> None:
        Import(open_model(tiny_llama())).write(tmp_path / "x.apr")
        model = open_model(tmp_path / "x.apr")
        assert isinstance(model, AprModel)
        model.metadata = {**model.metadata, "x.none": []}
        done = Export(model).write(tmp_path / "x.gguf")
        assert done.notes == ["metadata key 'x.none' is an empty list, which gguf's writer does not write"]


def test_what_cannot_be_written_leaves_nothing(fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    source = open_model(fixture_model("llama-nan-f32"))
    for conversion in (Import(source), Export(source)):
        with pytest.raises(UsageError, match="cannot be written"):
            conversion.write(tmp_path / "nowhere" / "x")
    (tmp_path / "x.gguf").write_bytes(b"precious")

    def stop(_nbytes: int) -> None:
        raise KeyboardInterrupt

    for conversion in (Import(source), Export(source)):
        with pytest.raises(KeyboardInterrupt):
            conversion.write(tmp_path / "x.gguf", stop)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"precious"]


def test_progress_is_told_every_byte(fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    source = open_model(fixture_model("qwen3moe-q4_k_m"))
    for conversion in (Import(source), Export(source)):
        told: list[int] = []
        conversion.write(tmp_path / "x", told.append)
        assert sum(told) == conversion.nbytes > 1_000_000
        assert len(told) >= 27


def test_flags_of_plain_floats(fixture_model: Callable[[str], Path], tmp_path: Path) -> None:
    Import(open_model(fixture_model("llama-f16"))).write(tmp_path / "x.apr")
    file = read_apr(tmp_path / "x.apr")
    assert file.flags == Flags.LAYOUT_ROW_MAJOR
    assert "quantization" not in file.metadata
