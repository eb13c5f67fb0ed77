"""Falsifiers of `tensor-layout-v1`: GGUF files read by the `gguf` library, .apr files taken apart here."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from given.apr_bytes import COLUMN_MAJOR, ROW_MAJOR, AprBytes, Stored
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pv import Evidence

CONTRACT = "tensor-layout-v1"
EXAMPLES = settings(max_examples=200, deadline=None, derandomize=True, database=None, report_multiple_bugs=False)
TOKENS = [1, 5, 77, 30, 2]
# values and bytes of a block, ggml-common.h
BLOCKS = {"F32": (1, 4), "F16": (1, 2), "BF16": (1, 2), "Q4_K": (256, 144), "Q6_K": (256, 210)}
HF = {
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
    "ffn_gate_inp": "mlp.gate", "ffn_gate_exps": "mlp.experts.gate_proj", "ffn_up_exps": "mlp.experts.up_proj",
    "ffn_down_exps": "mlp.experts.down_proj",
}  # fmt: skip
OUTER = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}


def _hf(name: str) -> str:
    """Hugging Face's name, written down here once more."""
    block = re.fullmatch(r"blk\.(\d+)\.(\w+)\.(weight|bias)", name)
    if block:
        return f"model.layers.{block[1]}.{HF[block[2]]}.{block[3]}"
    stem, _, kind = name.rpartition(".")
    return f"{OUTER[stem]}.{kind}"


def _place(name: str) -> tuple[str, int | None]:
    """A tensor's name within its block, and the block."""
    block = re.fullmatch(r"blk\.(\d+)\.(.+)", name)
    return (block[2], int(block[1])) if block else (name, None)


def _refute(problem: str, name: str) -> NoReturn:
    stage, layer = _place(name)
    raise Refuted(f"{name}: {problem}", stage=stage, layer=layer)


def _pairs(conversion: Any, gguf_parts: Any, source: Path, target: Path, layout: str) -> list[tuple[str, Any, Stored]]:
    """Every tensor of a GGUF file with the same one of the .apr file that is made of it, by name."""
    stored = AprBytes.read(conversion.to_apr(source, target, layout)).tensors
    pairs = []
    for name, tensor in sorted(gguf_parts(source).tensors.items()):
        written = _hf(name) if layout == "hf" else name
        if written not in stored:
            _refute(f"is not there as {written}", name)
        pairs.append((name, tensor, stored[written]))
    return pairs


@falsifies(CONTRACT, "F-LAYOUT-CONTRACT-001", "F-LAYOUT-CONTRACT-003")
def dimensions(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path, model: str
) -> None:
    """Of every tensor, read from the index."""
    name, _, layout = model.partition("/")
    for tensor, ours, stored in _pairs(conversion, gguf_parts, source_model(name), tmp_path / "x.apr", layout):
        evidence.compared(1, "tensors")
        expected = ours.shape if layout == "hf" else ours.shape[::-1]
        if stored.dims != expected:
            _refute(f"has dimensions {stored.dims}, not {expected}", tensor)
        if len(ours.shape) == 1 and stored.data != ours.data:
            _refute("has other bytes", tensor)


@falsifies(CONTRACT, "F-LAYOUT-CONTRACT-002")
def the_head(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path, model: str
) -> None:
    """Its own or a copy, in layout hf."""
    parts = gguf_parts(source_model(model))
    rows, hidden = parts.tensors["token_embd.weight"].shape
    stored = AprBytes.read(conversion.to_apr(source_model(model), tmp_path / "x.apr"))
    evidence.compared(1, "heads")
    head = stored.tensors.get("lm_head.weight")
    if head is None or head.dims != (rows, hidden):
        _refute(f"has dimensions {head and head.dims}, not {(rows, hidden)}", "output.weight")
    tied = "output.weight" not in parts.tensors
    if tied != (stored.metadata.get("tied_embeddings") is True):
        _refute(f"the file says tied: {stored.metadata.get('tied_embeddings')}", "output.weight")
    if head.data != parts.tensors["token_embd.weight" if tied else "output.weight"].data:
        _refute("has other bytes", "output.weight")


@falsifies(CONTRACT, "F-LAYOUT-CONTRACT-004")
def sizes(evidence: Evidence, conversion: Any) -> None:
    """Any rows and columns."""
    evidence.level("algorithm")

    @EXAMPLES
    @example(2, 257, [])
    @given(st.integers(1, 5000), st.integers(1, 5000), st.lists(st.integers(1, 9), max_size=1))
    def check(rows: int, columns: int, outer: list[int]) -> None:
        for kind in ("Q4_K", "Q6_K", "F32", "F16", "BF16"):
            values, nbytes = BLOCKS[kind]
            expected = int(np.prod(outer, initial=rows)) * -(-columns // values) * nbytes
            found = conversion.encoded_size(kind, (*outer, rows, columns))
            evidence.compared(1, "sizes")
            if found != expected:
                raise Refuted(f"{rows} rows of {columns} take {found} bytes, not {expected}", stage=kind)

    check()


@falsifies(CONTRACT, "F-LAYOUT-CONTRACT-005")
def logits_are_the_same(evidence: Evidence, conversion: Any, source_model: Any, tmp_path: Path, model: str) -> None:
    """One arithmetic, two files."""
    theirs = conversion.logits(source_model(model), TOKENS)
    ours = conversion.logits(conversion.to_apr(source_model(model), tmp_path / "x.apr"), TOKENS)
    evidence.compared(theirs.size, "logits, bit by bit")
    wrong = np.flatnonzero(
        (ours.view(np.uint32) != theirs.view(np.uint32)).any(axis=1) | ~np.isfinite(ours).all(axis=1)
    )
    if wrong.size:
        raise Refuted("other logits", stage="lm_head", position=int(wrong[0]))


@falsifies(CONTRACT, "FALSIFY-001")
def bytes_are_kept(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path, model: str
) -> None:
    """Of every tensor, cut out of the file by its index."""
    name, _, layout = model.partition("/")
    for tensor, ours, stored in _pairs(conversion, gguf_parts, source_model(name), tmp_path / "x.apr", layout):
        evidence.compared(len(ours.data), "bytes")
        if stored.data != ours.data:
            _refute("has other bytes", tensor)


def _by_hand(gguf_parts: Any, source: Path, metadata: dict[str, Any]) -> AprBytes:
    """The .apr file of a GGUF file of plain floats, under Hugging Face's names."""
    parts = gguf_parts(source)
    arch = parts.metadata["general.architecture"][1]

    def said(key: str) -> Any:
        return parts.metadata[f"{arch}.{key}"][1]

    about = {
        "model_type": "by hand", "total_size": 0, "param_count": 0, "architecture": arch,
        "hidden_size": said("embedding_length"), "num_layers": said("block_count"), "num_heads": said("attention.head_count"),
        "num_kv_heads": said("attention.head_count_kv"), "intermediate_size": said("feed_forward_length"),
        "vocab_size": parts.tensors["token_embd.weight"].shape[0], "max_position_embeddings": said("context_length"),
        "rope_theta": said("rope.freq_base"), "rms_norm_eps": said("attention.layer_norm_rms_epsilon"),
        "rope_type": 0 if arch == "llama" else 2,
    }  # fmt: skip
    codes = {"F32": 0, "F16": 1}
    tensors = {_hf(name): Stored(codes[t.type_name], t.shape, t.data) for name, t in parts.tensors.items()}
    return AprBytes(ROW_MAJOR, about | metadata, tensors)


def _hold_refused(evidence: Evidence, problem: str | None, words: tuple[str, ...], name: str) -> None:
    evidence.compared(1, "refusals")
    if problem is None or not all(word in problem for word in words):
        _refute(f"the file is not refused as it should be: {problem}", name)


@falsifies(CONTRACT, "FALSIFY-002")
def the_other_order_is_refused(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path
) -> None:
    """The sound file opens; the one with GGUF's dimensions does not."""
    file = _by_hand(gguf_parts, source_model("llama-biased-f32"), {})
    assert conversion.refusal(lambda: conversion.open(file.write(tmp_path / "sound.apr"))) is None
    file.tensors = {name: stored._replace(dims=stored.dims[::-1]) for name, stored in file.tensors.items()}
    problem = conversion.refusal(lambda: conversion.open(file.write(tmp_path / "turned.apr")))
    _hold_refused(evidence, problem, ("model.embed_tokens.weight", "order"), "token_embd.weight")


def _hold_equal(evidence: Evidence, ours: Any, theirs: Any) -> None:
    """Every tensor of a GGUF file has the same bytes in an opened model."""
    for name, tensor in sorted(theirs.tensors.items()):
        evidence.compared(len(tensor.data), "bytes")
        if name not in ours.tensors or ours.tensors[name].shape != tensor.shape:
            _refute("is missing or has another shape", name)
        if ours.raw(name).tobytes() != tensor.data:
            _refute("has other bytes", name)


@falsifies(CONTRACT, "FALSIFY-003")
def fused_projections(evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path) -> None:
    """Grouped heads, so that the parts are not equally wide, with biases."""
    source = source_model("llama-biased-f32")
    file = _by_hand(gguf_parts, source, {})
    for layer in range(2):
        for kind in ("weight", "bias"):
            prefix = f"model.layers.{layer}.self_attn."
            parts = [file.tensors.pop(f"{prefix}{part}_proj.{kind}") for part in "qkv"]
            rows = sum(part.dims[0] for part in parts)
            data = b"".join(part.data for part in parts)
            file.tensors[f"{prefix}qkv_proj.{kind}"] = Stored(0, (rows, *parts[0].dims[1:]), data)
    _hold_equal(evidence, conversion.open(file.write(tmp_path / "fused.apr")), gguf_parts(source))


@falsifies(CONTRACT, "FALSIFY-004")
def experts_apart(
    evidence: Evidence, conversion: Any, gguf_parts: Any, made_model: Callable[..., Path], tmp_path: Path
) -> None:
    """Twelve of them: with ten or fewer, names sorted as text come by number too."""
    source = made_model("qwen3moe", experts=12)
    sizes = {"num_experts": 12, "num_experts_per_tok": 2, "moe_intermediate_size": 32}
    file = _by_hand(gguf_parts, source, sizes)
    for name in [name for name in file.tensors if ".experts." in name]:
        code, (count, *dims), data = file.tensors.pop(name)
        size = len(data) // count
        for index in range(count):
            apart = name.replace(".experts.", f".experts.{index}.")
            file.tensors[apart] = Stored(code, tuple(dims), data[index * size :][:size])
    _hold_equal(evidence, conversion.open(file.write(tmp_path / "apart.apr")), gguf_parts(source))


@falsifies(CONTRACT, "FALSIFY-005")
def column_major_is_refused(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path
) -> None:
    """With the flag alone, and with its opposite beside it."""
    file = _by_hand(gguf_parts, source_model("llama-biased-f32"), {})
    for flags in (COLUMN_MAJOR, COLUMN_MAJOR | ROW_MAJOR):
        file.flags = flags
        problem = conversion.refusal(lambda: conversion.open(file.write(tmp_path / "x.apr")))
        _hold_refused(evidence, problem, ("LAYOUT_COLUMN_MAJOR",), "LAYOUT_COLUMN_MAJOR")


@falsifies(CONTRACT, "FALSIFY-006")
def shapes_are_said_once(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path
) -> None:
    """The same shapes twice are read; one that differs is not."""
    file = _by_hand(gguf_parts, source_model("llama-biased-f32"), {})
    file.metadata["tensor_shapes"] = {name: list(stored.dims) for name, stored in file.tensors.items()}
    assert conversion.refusal(lambda: conversion.open(file.write(tmp_path / "sound.apr"))) is None
    name = _hf("blk.0.ffn_down.weight")
    file.metadata["tensor_shapes"][name].reverse()
    problem = conversion.refusal(lambda: conversion.open(file.write(tmp_path / "x.apr")))
    _hold_refused(evidence, problem, (name, "tensor_shapes"), "blk.0.ffn_down.weight")


@falsifies(CONTRACT, "F-DATA-QUALITY-001")
def nothing_is_encoded_away(evidence: Evidence, conversion: Any) -> None:
    """One value a block that dwarfs the other 31 leaves 1 in 32; values below half a step leave nothing."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(st.integers(32, 128), st.integers(0, 2**32 - 1))
    def check(blocks: int, seed: int) -> None:
        rng = np.random.Generator(np.random.PCG64(seed))
        kept = rng.standard_normal(32 * blocks).astype(np.float32)
        lost = np.zeros(32 * blocks, np.float32)
        lost[0] = 1.0  # of 1024 and more, less than 1 % is left
        evidence.compared(2, "tensors")
        if conversion.refusal(lambda: conversion.encode("AprQ4", kept)) is not None:
            raise Refuted("a tensor of ordinary numbers is refused", stage="AprQ4")
        if conversion.refusal(lambda: conversion.encode("AprQ4", lost)) is None:
            raise Refuted(f"{lost.size} values of which one is left are encoded", stage="AprQ4")

    check()


@falsifies(CONTRACT, "F-DATA-QUALITY-002")
def numbers_that_are_none(evidence: Evidence, conversion: Any) -> None:
    """Anywhere in the tensor."""
    evidence.level("algorithm")

    @EXAMPLES
    @given(st.integers(1, 200), st.data(), st.sampled_from([np.nan, np.inf, -np.inf]))
    def check(count: int, data: st.DataObject, wrong: float) -> None:
        values = np.ones(count, np.float32)
        values[data.draw(st.integers(0, count - 1))] = wrong
        for kind in ("AprQ8", "AprQ4"):
            evidence.compared(1, "tensors")
            if conversion.refusal(lambda kind=kind: conversion.encode(kind, values)) is None:
                raise Refuted(f"{wrong} is encoded", stage=kind)

    check()
