"""Checks of what a model file says and holds: metadata, tensors, shapes, tokenizer."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import gguf
import numpy as np
import pytest

from apr.checks import CHECKS, Outcome, Report, Verdict, examine
from apr.convert import Import
from apr.formats import open_model
from apr.formats.apr import read_apr, write_apr
from apr.formats.gguf import read_head

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    Weights = dict[str, np.ndarray[Any, np.dtype[np.float32]]]


def failing(report: Report) -> list[int]:
    return [check.number for check in report.verdicts(Verdict.FAIL)]


def outcome_of(report: Report, number: int) -> Outcome:
    return next(outcome for check, outcome in report.outcomes if check.number == number)


def remade(
    path: Path,
    target: Path,
    metadata: Callable[[dict[str, Any]], object],
    drop: str = "",
    add: dict[str, Any] | None = None,
) -> Path:
    """The same .apr file with other metadata, or without a tensor, or with more of them."""
    file = read_apr(path)
    content = dict(file.metadata)
    metadata(content)
    tensors: list[Any] = [(t.name, t.dtype, t.shape, file.raw(t.name)) for t in file.tensors.values() if t.name != drop]
    tensors += [(name, "F32", array.shape, array) for name, array in (add or {}).items()]
    write_apr(target, content, tensors, flags=file.flags)
    return target


@pytest.fixture
def apr_of(tiny_model: Callable[..., Path]) -> Callable[..., Path]:
    """A tiny model as `apr import` writes it."""

    def make(architecture: str = "qwen3", **options: Any) -> Path:
        path = tiny_model(architecture, "F32", **options)
        return Import(open_model(path)).write(path.with_suffix(".apr")).path

    return make


@pytest.mark.parametrize("architecture", ["llama", "qwen2", "qwen3", "qwen3moe"])
@pytest.mark.parametrize("tied", [False, True])
def test_sound_models_of_every_architecture_pass(apr_of: Callable[..., Path], architecture: str, tied: bool) -> None:
    path = apr_of(architecture, tied=tied)
    for each in (path, path.with_suffix(".gguf")):
        report = examine(each, CHECKS)
        assert failing(report) == []
        assert report.verdicts(Verdict.WARN) == []
        assert report.verdicts(Verdict.SKIPPED) == []


@pytest.mark.parametrize(
    ("architecture", "key"),
    [("qwen3", "hidden_size"), ("qwen3", "rms_norm_eps"), ("llama", "rope_type"), ("qwen3moe", "num_experts")],
)
def test_a_size_that_an_apr_file_leaves_out_is_not_guessed(
    apr_of: Callable[..., Path], tmp_path: Path, architecture: str, key: str
) -> None:
    def leave_out(metadata: dict[str, Any]) -> None:
        del metadata[key]
        metadata.pop("source_metadata", None)  # which says it again

    report = examine(remade(apr_of(architecture, head_dim=24), tmp_path / "x.apr", leave_out), CHECKS)
    assert failing(report) == [8]
    assert f"$.{key}" in str(outcome_of(report, 8).findings[0].section)
    assert {check.number for check in report.verdicts(Verdict.SKIPPED)} == {9, 10, 12, 13, 14, 15, 16, 17}


def test_heads_that_are_not_hidden_over_heads_need_their_size(apr_of: Callable[..., Path], tmp_path: Path) -> None:
    def leave_out(metadata: dict[str, Any]) -> None:
        del metadata["head_dim"], metadata["source_metadata"]

    report = examine(remade(apr_of("qwen3", head_dim=24), tmp_path / "x.apr", leave_out), CHECKS)
    assert failing(report) == [10]
    assert "heads of 16 (hidden / heads, as they do not say)" in outcome_of(report, 8).seen
    assert "model.layers.0.self_attn.q_norm.weight" in {finding.tensor for finding in outcome_of(report, 10).findings}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda metadata: metadata.update(num_heads=0), "it must be positive"),
        (lambda metadata: metadata.update(num_heads="4"), "must be a whole number"),
        (lambda metadata: metadata.update(num_kv_heads=3), "do not divide among 3 key heads"),
        (lambda metadata: metadata.update(rope_type=1), "0 (neighbours rotate together)"),
        (lambda metadata: metadata.pop("architecture"), "is missing"),
    ],
)
def test_metadata_that_contradict_themselves(
    apr_of: Callable[..., Path], tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    report = examine(remade(apr_of(), tmp_path / "x.apr", change), CHECKS)
    assert failing(report) == [8]
    assert message in outcome_of(report, 8).findings[0].problem


def renamed(path: Path, old: bytes, new: bytes) -> Path:
    """The same GGUF file with a text replaced by one of the same length."""
    content = path.read_bytes()
    assert len(old) == len(new)
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


def test_a_key_that_a_gguf_file_leaves_out_is_named(tiny_llama: Callable[..., Path]) -> None:
    report = examine(renamed(tiny_llama(), b"llama.block_count", b"llama.block_bounx"), CHECKS)
    assert failing(report) == [8]
    assert "'llama.block_count' is missing" in outcome_of(report, 8).findings[0].problem


@pytest.mark.parametrize("unknown", [False, True])
def test_what_is_not_built_here_is_a_warning_and_leaves_the_rest(
    tiny_llama: Callable[..., Path], unknown: bool
) -> None:
    if unknown:
        kind = struct.pack("<Q", len("llama"))
        path = renamed(tiny_llama(), kind + b"llama", kind + b"gemma")
    else:
        path = tiny_llama(metadata=(("llama.attention.sliding_window", 64),))
    report = examine(path, CHECKS)
    assert failing(report) == []
    assert [check.number for check in report.verdicts(Verdict.WARN)] == [8]
    assert {check.number for check in report.verdicts(Verdict.SKIPPED)} == {9, 10, 17}
    assert outcome_of(report, 9).seen == "because check 8 cannot tell"
    assert outcome_of(report, 12).verdict is Verdict.PASS


def model_of(maker: ModuleType, path: Path, change: Callable[[Weights], object], *options: Any, **more: Any) -> Report:
    """A report on a model whose weights were changed."""
    spec = maker.Spec(*options, **more)
    weights: Weights = maker.tensors(spec)
    change(weights)
    return examine(maker.write_model(path, spec, weights), CHECKS)


def test_every_missing_and_every_unread_tensor_is_named(maker: ModuleType, tmp_path: Path) -> None:
    def change(weights: Weights) -> None:
        del weights["blk.0.ffn_up.weight"], weights["blk.1.attn_k.weight"]
        weights["blk.0.attn_q_norm.weight"] = np.ones(16, np.float32)

    report = model_of(maker, tmp_path / "m.gguf", change)
    assert failing(report) == [9]
    found = {finding.tensor: finding.problem for finding in outcome_of(report, 9).findings}
    assert set(found) == {"blk.0.ffn_up.weight", "blk.1.attn_k.weight", "blk.0.attn_q_norm.weight"}
    assert found["blk.0.ffn_up.weight"].startswith("is missing")
    assert "is nothing that llama reads" in found["blk.0.attn_q_norm.weight"]
    assert outcome_of(report, 17).seen == "because check 9 failed"


def test_experts_under_the_name_of_a_dense_model(maker: ModuleType, tmp_path: Path) -> None:
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec("qwen3moe"))
    content = path.read_bytes().replace(b"qwen3moe.", b"qwen3xyz.")
    kind = struct.pack("<Q", len("qwen3moe"))
    path.write_bytes(content.replace(kind + b"qwen3moe", kind + b"qwen3xyz"))
    report = examine(path, CHECKS)
    assert [check.number for check in report.verdicts(Verdict.WARN)] == [8]
    assert "'qwen3xyz' is not one this runtime runs" in outcome_of(report, 8).findings[0].problem


def test_missing_and_unread_tensors_of_an_apr_file(apr_of: Callable[..., Path], tmp_path: Path) -> None:
    path = apr_of()
    report = examine(remade(path, tmp_path / "x.apr", dict, drop="model.layers.0.mlp.up_proj.weight"), CHECKS)
    assert failing(report) == [9]
    assert outcome_of(report, 9).findings[0].tensor == "blk.0.ffn_up.weight"
    assert "looked for model.layers.0.mlp.up_proj.weight" in outcome_of(report, 9).findings[0].problem
    report = examine(remade(path, tmp_path / "y.apr", dict, add={"model.layers.0.x.weight": np.ones(4, "<f4")}), CHECKS)
    assert failing(report) == [9]
    assert outcome_of(report, 9).findings[0].tensor == "model.layers.0.x.weight"


def test_the_head_is_vocabulary_by_hidden(maker: ModuleType, apr_of: Callable[..., Path], tmp_path: Path) -> None:
    def transpose(weights: Weights) -> None:
        weights["output.weight"] = np.ascontiguousarray(weights["output.weight"].T)

    report = model_of(maker, tmp_path / "m.gguf", transpose)
    assert failing(report) == [10]
    (finding,) = outcome_of(report, 10).findings
    assert finding.tensor == "output.weight"
    assert "[vocabulary, hidden] asks for [267, 64]; it is transposed" in finding.problem
    path = apr_of("llama")
    head = read_apr(path).raw("lm_head.weight").view("<f4").reshape(267, 64)
    turned = remade(path, tmp_path / "x.apr", dict, drop="lm_head.weight", add={"lm_head.weight": head.T.copy()})
    report = examine(turned, CHECKS)
    assert failing(report) == [10]
    assert outcome_of(report, 10).findings[0].tensor == "lm_head.weight"


def test_every_wrong_shape_is_named(maker: ModuleType, tmp_path: Path) -> None:
    def change(weights: Weights) -> None:
        weights["blk.0.attn_k.weight"] = weights["blk.0.attn_q.weight"] + 1
        weights["blk.1.ffn_norm.weight"] = weights["blk.1.ffn_norm.weight"][:-1]

    report = model_of(maker, tmp_path / "m.gguf", change)
    assert failing(report) == [10]
    names = [finding.tensor for finding in outcome_of(report, 10).findings]
    assert names == ["blk.0.attn_k.weight", "blk.1.ffn_norm.weight"]


def test_what_only_the_architecture_refuses_fails_the_last_check(maker: ModuleType, tmp_path: Path) -> None:
    path = maker.write_model(tmp_path / "m.gguf", maker.Spec("qwen3moe"))
    entry = next(e for e in read_head(path).entries if e.name == "blk.0.ffn_gate_inp.weight")
    content = bytearray(path.read_bytes())
    content[entry.type_at : entry.type_at + 4] = struct.pack("<I", 26)  # I32: as many bytes
    path.write_bytes(content)
    report = examine(path, CHECKS)
    assert failing(report) == [17]
    assert "a router must be F32" in outcome_of(report, 17).findings[0].problem


# --- the tokenizer ----------------------------------------------------------------------------------------------------


def text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def with_number(path: Path, key: str, value: int) -> Path:
    content = bytearray(path.read_bytes())
    at = content.index(text(key)) + len(text(key)) + 4
    content[at : at + 4] = struct.pack("<I", value)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("plant", "message"),
    [
        (lambda path: renamed(path, text("tokenizer.ggml.tokens"), text("tokenizer.ggml.tokenx")), "has no tokenizer"),
        (lambda path: renamed(path, text("tokenizer.ggml.model"), text("tokenizer.ggml.modex")), "how to cut a text"),
        (lambda path: renamed(path, text("tokenizer.ggml.merges"), text("tokenizer.ggml.mergex")), "made of merges"),
        (lambda path: renamed(path, text("th e"), text("t he")), "needs 'he', which is no token"),
        (lambda path: renamed(path, text("i n"), text("i z")), "needs 'iz', which is no token"),
        (lambda path: renamed(path, text("th e"), text("th-e")), "is no pair"),
        (lambda path: with_number(path, "tokenizer.ggml.eos_token_id", 267), "is 267; ids are 0 to 266"),
        (lambda path: renamed(path, text("!"), text("#")), "are both '#'"),
        (
            lambda path: renamed(path, text("tokenizer.ggml.token_type"), text("tokenizer.ggml.token_typx")),
            "is missing",
        ),
    ],
)
def test_a_tokenizer_that_does_not_fit_together(
    tiny_llama: Callable[..., Path], plant: Callable[[Path], Path], message: str
) -> None:
    report = examine(plant(tiny_llama()), CHECKS)
    assert failing(report) == [14]
    assert message in outcome_of(report, 14).findings[0].problem


@pytest.mark.parametrize(("rows", "verdict"), [(-1, Verdict.FAIL), (1, Verdict.WARN)])
def test_every_token_has_a_row(maker: ModuleType, tmp_path: Path, rows: int, verdict: Verdict) -> None:
    def change(weights: Weights) -> None:
        for name in ("token_embd.weight", "output.weight"):
            table = weights[name]
            weights[name] = table[:rows] if rows < 0 else np.concatenate([table, table[:rows] + 1])

    report = model_of(maker, tmp_path / "m.gguf", change)
    assert [check.number for check in report.verdicts(verdict)] == [14]
    assert f"has {267 + rows} rows for 267 tokens" in outcome_of(report, 14).findings[0].problem


def test_pieces_need_no_merges(tiny_llama: Callable[..., Path]) -> None:
    report = examine(tiny_llama(tokenizer="spm"), {14})
    assert outcome_of(report, 14).verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("tokens", "is no list of texts"),
        ("token_type", "is no list"),
        ("scores", "is no list"),
        ("merges", "is no list"),
    ],
)
def test_parts_of_a_tokenizer_that_are_no_lists(tiny_llama: Callable[..., Path], key: str, message: str) -> None:
    report = examine(tiny_llama(metadata=((f"tokenizer.ggml.{key}", "x"),)), CHECKS)
    assert failing(report) == [14]
    finding = outcome_of(report, 14).findings[0]
    assert (finding.section, finding.problem) == (f"metadata key 'tokenizer.ggml.{key}'", message)


def test_lists_of_another_length_and_of_other_things(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(["a", "b", "ab"])
    writer.add_token_types([1, 1])
    writer.add_token_scores([0.0])
    writer.add_array("tokenizer.ggml.merges", [1, 2])
    writer.add_tensor("token_embd.weight", np.ones((3, 4), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    problems = [finding.problem for finding in outcome_of(examine(tmp_path / "m.gguf", {14}), 14).findings]
    assert problems == [
        "has 2 entries for 3 tokens",
        "has 1 entries for 3 tokens",
        "merge 0, 1, is no text",
        "merge 1, 2, is no text",
    ]
