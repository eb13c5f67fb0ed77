"""Falsifiers of `apr-gguf-export-symmetry-v1`: exported files, read by llama.cpp and by the `gguf` library."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from given.apr_bytes import QUANTIZED, ROW_MAJOR, AprBytes, Stored
from pv import Refuted, falsifies

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from pv import Evidence

CONTRACT = "apr-gguf-export-symmetry-v1"
TOKENS = [1, 5, 77, 30, 2, 111]
# sizes that no other model has, so that a default or a guess cannot hit them
SIZES = {"layers": 2, "hidden": 96, "heads": 3, "kv_heads": 1, "head_dim": 24, "feed_forward": 80, "context": 321}
EPSILON, THETA = float(np.float32(3.7e-6)), float(np.float32(123456.7))
KEYS = {
    "block_count": 2, "embedding_length": 96, "feed_forward_length": 80, "context_length": 321, "attention.head_count": 3,
    "attention.head_count_kv": 1, "attention.key_length": 24, "attention.value_length": 24, "rope.freq_base": THETA,
    "attention.layer_norm_rms_epsilon": EPSILON,
}  # fmt: skip


def _place(name: str) -> tuple[str, int | None]:
    block = re.fullmatch(r"blk\.(\d+)\.(.+)", name)
    return (block[2], int(block[1])) if block else (name, None)


@falsifies(CONTRACT, "FALSIFY-GES-001")
def llama_cpp_computes_the_same(
    evidence: Evidence, conversion: Any, source_model: Any, llama_cpp_over: Any, tmp_path: Path, model: str
) -> None:
    """Two captures by the same engine; what is judged is the file."""
    evidence.level("algorithm")
    name, _, layout = model.partition("/")
    source, exported = source_model(name), tmp_path / "x.gguf"
    conversion.to_gguf(conversion.to_apr(source, tmp_path / "x.apr", layout), exported)
    theirs, ours = (llama_cpp_over(path).capture(TOKENS) for path in (source, exported))
    assert theirs.stages.keys() == ours.stages.keys(), "other stages"
    for key in theirs.keys_in_order():
        evidence.compared(theirs[key].size, "numbers, bit by bit")
        rows = np.flatnonzero((theirs[key].view(np.uint32) != ours[key].view(np.uint32)).any(axis=1))
        if rows.size:
            raise Refuted(f"{key} differs", stage=key.stage, layer=key.layer, position=int(rows[0]))


@falsifies(CONTRACT, "FALSIFY-GES-002")
def a_real_model_survives(
    evidence: Evidence, conversion: Any, gguf_parts: Any, model_path: Path, tmp_path: Path
) -> None:
    """Every byte."""
    evidence.level("measured")
    evidence.input("model", model_path)
    back = tmp_path / "back.gguf"
    conversion.to_gguf(conversion.to_apr(model_path, tmp_path / "x.apr", "gguf"), back)
    evidence.compared(model_path.stat().st_size, "bytes")
    if model_path.read_bytes() == back.read_bytes():
        return
    theirs, ours = gguf_parts(model_path), gguf_parts(back)
    for key, value in theirs.metadata.items():
        if ours.metadata.get(key) != value:
            raise Refuted(f"{key} differs", stage=key)
    for name, tensor in theirs.tensors.items():
        if ours.tensors.get(name) != tensor:
            stage, layer = _place(name)
            raise Refuted(f"{name} differs", stage=stage, layer=layer)
    raise Refuted("the files differ in what the gguf library does not show", stage="file")


def _qwen3_by_hand(path: Path) -> Path:
    """A small qwen3, written byte by byte: sizes that no other model has, norms of heads, nothing about a source."""
    rng = np.random.Generator(np.random.PCG64(7))
    q, kv, hidden, wide, words = 3 * 24, 24, 96, 80, 40
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (words, hidden), "lm_head.weight": (words, hidden), "model.norm.weight": (hidden,),
    }  # fmt: skip
    for layer in range(2):
        prefix = f"model.layers.{layer}."
        shapes |= {
            f"{prefix}input_layernorm.weight": (hidden,), f"{prefix}post_attention_layernorm.weight": (hidden,),
            f"{prefix}self_attn.q_proj.weight": (q, hidden), f"{prefix}self_attn.k_proj.weight": (kv, hidden),
            f"{prefix}self_attn.v_proj.weight": (kv, hidden), f"{prefix}self_attn.o_proj.weight": (hidden, q),
            f"{prefix}self_attn.q_norm.weight": (24,), f"{prefix}self_attn.k_norm.weight": (24,),
            f"{prefix}mlp.gate_proj.weight": (wide, hidden), f"{prefix}mlp.up_proj.weight": (wide, hidden),
            f"{prefix}mlp.down_proj.weight": (hidden, wide),
        }  # fmt: skip
    tensors = {
        name: Stored(0, shape, rng.standard_normal(shape).astype("<f4").tobytes()) for name, shape in shapes.items()
    }
    metadata = {
        "model_type": "by hand", "total_size": 0, "param_count": 0, "architecture": "qwen3", "hidden_size": hidden,
        "num_layers": 2, "num_heads": 3, "num_kv_heads": 1, "head_dim": 24, "intermediate_size": wide, "vocab_size": words,
        "max_position_embeddings": 321, "rope_theta": THETA, "rope_type": 2, "rms_norm_eps": EPSILON,
        "tokenizer.vocabulary": [f"t{index}" for index in range(words)], "tokenizer.merges": [], "tokenizer.model_type": "gpt2",
    }  # fmt: skip
    return AprBytes(ROW_MAJOR, metadata, tensors).write(path)


@falsifies(CONTRACT, "FALSIFY-GES-003")
def hyper_parameters_are_stated(evidence: Evidence, conversion: Any, gguf_parts: Any, tmp_path: Path) -> None:
    """Of an .apr file that another program could have written."""
    source = _qwen3_by_hand(tmp_path / "x.apr")
    exported = gguf_parts(conversion.to_gguf(source, tmp_path / "x.gguf"))
    for key, value in KEYS.items():
        evidence.compared(1, "keys")
        found = exported.metadata.get(f"qwen3.{key}", (None, None))[1]
        if found != value:
            raise Refuted(f"{key} is {found}, the .apr file says {value}", stage=key)
    stored = AprBytes.read(source).tensors["model.layers.1.mlp.down_proj.weight"]
    assert exported.tensors["blk.1.ffn_down.weight"].data == stored.data


def _in_checkpoint_order(rows: NDArray[np.uint8], heads: int) -> NDArray[np.uint8]:
    """Row 2i of a head becomes row i, and row 2i + 1 becomes row i + d/2."""
    per_head = rows.reshape(heads, -1, rows.shape[-1])
    return np.concatenate([per_head[:, ::2], per_head[:, 1::2]], axis=1).reshape(rows.shape)


@falsifies(CONTRACT, "FALSIFY-GES-004")
def rows_come_in_ggufs_order(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path, model: str
) -> None:
    """The rows are moved here, by other code, and have to come back."""
    source = source_model(model)
    theirs = gguf_parts(source)
    file = AprBytes.read(conversion.to_apr(source, tmp_path / "x.apr", "gguf"))
    assert file.flags == QUANTIZED
    for name, stored in list(file.tensors.items()):
        part = re.fullmatch(r"blk\.\d+\.attn_([qk])\.(weight|bias)", name)
        if part:
            heads = theirs.metadata[f"llama.attention.head_count{'' if part[1] == 'q' else '_kv'}"][1]
            rows = np.frombuffer(stored.data, np.uint8).reshape(theirs.tensors[name].shape[0], -1)
            file.tensors[name] = stored._replace(data=_in_checkpoint_order(rows, heads).tobytes())
    file.metadata["rope_type"] = 2
    exported = gguf_parts(conversion.to_gguf(file.write(tmp_path / "neox.apr"), tmp_path / "x.gguf"))
    # weights before biases, so that a fault of both has one place
    for name in sorted(theirs.tensors, key=lambda name: (name.endswith(".bias"), name)):
        evidence.compared(len(theirs.tensors[name].data), "bytes")
        if exported.tensors[name] != theirs.tensors[name]:
            stage, layer = _place(name)
            raise Refuted(f"{name} has other rows", stage=stage, layer=layer)


def _hold_refused(evidence: Evidence, conversion: Any, source: Path, target: Path, words: tuple[str, ...]) -> None:
    problem = conversion.refusal(lambda: conversion.to_gguf(source, target))
    evidence.compared(1, "refusals")
    if problem is None or not all(word in problem for word in words) or target.exists():
        raise Refuted(f"not refused as it should be: {problem}", stage="refusal")
    conversion.to_gguf(source, target, "F32")
    assert target.exists(), "what is asked for is done"


@falsifies(CONTRACT, "FT-APRQ8-001")
def types_of_aprs_own(evidence: Evidence, conversion: Any, source_model: Any, tmp_path: Path, quantise: str) -> None:
    """A whole model, and what is asked for explicitly."""
    kind = {"int8": "AprQ8", "int4": "AprQ4"}[quantise]
    source = conversion.to_apr(source_model("llama-f16"), tmp_path / "x.apr", quantise=quantise)
    words = (kind, "token_embd.weight", "--dequantise")
    _hold_refused(evidence, conversion, source, tmp_path / "x.gguf", words)


@falsifies(CONTRACT, "FT-APRQ8-002")
def rows_that_are_filled_up(
    evidence: Evidence, conversion: Any, gguf_parts: Any, source_model: Any, tmp_path: Path
) -> None:
    """A projection of 64 columns in blocks of 256, from the blocks of another model."""
    blocks = gguf_parts(source_model("llama-q4_k_m")).tensors["blk.0.attn_q.weight"].data
    file = AprBytes.read(conversion.to_apr(source_model("llama-biased-f32"), tmp_path / "sound.apr"))
    name = "model.layers.1.self_attn.o_proj.weight"
    rows, columns = file.tensors[name].dims
    assert columns % 256
    file.tensors[name] = Stored(12, (rows, columns), blocks[: 144 * rows])
    file.tail = b""
    words = ("Q4_K", "blk.1.attn_output.weight", "whole blocks")
    _hold_refused(evidence, conversion, file.write(tmp_path / "x.apr"), tmp_path / "x.gguf", words)
