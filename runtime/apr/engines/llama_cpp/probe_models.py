"""Two tiny models that reach every kernel that `apr.ops.exact` reproduces: to ask a library whether they are its own.

Their weights are random bits in blocks whose scales make sense: no quantiser is needed. One is dense and rotates neighbours,
by angles that were divided by three; the other has experts and normed heads and rotates halves, of a width that is no multiple of 32. Matrices take the types in
turn, those of experts by themselves, so that each type is met by either.
"""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING

import gguf
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from apr.ops.exact import blocks, super_blocks
from apr.ops.exact.linear import PLAIN_TYPES, TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

ARCHITECTURES = ("llama", "qwen3moe")
VOCABULARY, EXPERTS = 64, 4
_HIDDEN, _INNER = 256, 512
_HEADS, _KV_HEADS = {"llama": 4, "qwen3moe": 8}, {"llama": 2, "qwen3moe": 4}
_HEAD_DIM = {"llama": 64, "qwen3moe": 24}
_LAYERS = {"llama": 3, "qwen3moe": 5}
_STRETCHED = 3.0  # no power of two: dividing by it is not multiplying with its reciprocal
# bytes of a block at which a float16 starts
_FLOATS = {
    **dict.fromkeys(("Q8_0", "Q4_0", "Q5_0", "IQ4_NL", "IQ4_XS"), (0,)),
    **dict.fromkeys(("Q4_1", "Q5_1", "Q4_K", "Q5_K"), (0, 2)),
    "Q2_K": (80, 82),
    "Q3_K": (108,),
    "Q6_K": (208,),
}
# about how large codes are, so that products of any type are of the same size
_SIZE = {"Q8_0": 74.0, "Q4_1": 9.0, "Q5_1": 18.0, "Q4_0": 4.6, "Q5_0": 9.2, "IQ4_NL": 70.0, "IQ4_XS": 1300.0,
         "Q2_K": 16.0, "Q3_K": 43.0, "Q4_K": 300.0, "Q5_K": 600.0, "Q6_K": 1360.0}  # fmt: skip


def write(path: Path, architecture: str) -> Path:
    """Writes one of the models; the same bytes every time."""
    random = np.random.Generator(np.random.PCG64(ARCHITECTURES.index(architecture)))
    writer = gguf.GGUFWriter(path, architecture)
    head_dim = _HEAD_DIM[architecture]
    writer.add_block_count(_LAYERS[architecture])
    writer.add_context_length(256)
    writer.add_embedding_length(_HIDDEN)
    writer.add_feed_forward_length(_INNER)
    writer.add_head_count(_HEADS[architecture])
    writer.add_head_count_kv(_KV_HEADS[architecture])
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_rope_dimension_count(head_dim)
    writer.add_rope_freq_base(10000.0)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCABULARY)
    writer.add_tokenizer_model("no_vocab")
    if architecture == "llama":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(_STRETCHED)
    else:
        writer.add_expert_count(EXPERTS)
        writer.add_expert_used_count(2)
        writer.add_expert_feed_forward_length(_INNER)
    dense, routed = _types(), _types()
    for name, shape in _tensors(architecture):
        if len(shape) == 1 or name.endswith("ffn_gate_inp.weight"):
            spread = 0.05 if len(shape) == 2 else 0.0
            writer.add_tensor(name, (random.standard_normal(shape) * (spread or 0.1) + (not spread)).astype(np.float32))
            continue
        type_name = next(kind for kind in (dense if len(shape) == 2 else routed) if shape[-1] % _block(kind) == 0)
        raw = random_bits(random, type_name, shape)
        writer.add_tensor(name, raw, raw_dtype=GGMLQuantizationType[type_name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _types() -> Iterator[str]:
    """All of them, over and over, those of one kernel family not in a row."""
    order = [name for group in zip(super_blocks.TYPES, blocks.TYPES, strict=True) for name in group]
    return cycle((*order, *PLAIN_TYPES))


def _block(type_name: str) -> int:
    return int(GGML_QUANT_SIZES[GGMLQuantizationType[type_name]][0])


def _tensors(architecture: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    q, kv = (heads[architecture] * _HEAD_DIM[architecture] for heads in (_HEADS, _KV_HEADS))
    yield "token_embd.weight", (VOCABULARY, _HIDDEN)
    for layer in range(_LAYERS[architecture]):
        block = f"blk.{layer}."
        yield block + "attn_norm.weight", (_HIDDEN,)
        yield block + "attn_q.weight", (q, _HIDDEN)
        yield block + "attn_k.weight", (kv, _HIDDEN)
        yield block + "attn_v.weight", (kv, _HIDDEN)
        yield block + "attn_output.weight", (_HIDDEN, q)
        yield block + "ffn_norm.weight", (_HIDDEN,)
        if architecture == "llama":
            experts: tuple[int, ...] = ()
            kind = "weight"
        else:
            experts, kind = (EXPERTS,), "exps.weight"
            yield block + "attn_q_norm.weight", (_HEAD_DIM[architecture],)
            yield block + "attn_k_norm.weight", (_HEAD_DIM[architecture],)
            yield block + "ffn_gate_inp.weight", (EXPERTS, _HIDDEN)
        separator = "_" if experts else "."
        yield f"{block}ffn_gate{separator}{kind}", (*experts, _INNER, _HIDDEN)
        yield f"{block}ffn_up{separator}{kind}", (*experts, _INNER, _HIDDEN)
        yield f"{block}ffn_down{separator}{kind}", (*experts, _HIDDEN, _INNER)
    yield "output_norm.weight", (_HIDDEN,)
    yield "output.weight", (VOCABULARY, _HIDDEN)


def random_bits(random: np.random.Generator, type_name: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """What a file holds of a matrix of that type and shape: [..., bytes a row]."""
    *outer, columns = shape
    spread = columns**-0.5
    if type_name in PLAIN_TYPES:
        numbers = (random.standard_normal(shape) * spread).astype(np.float32)
        if type_name == "F16":
            return np.frombuffer(numbers.astype("<f2").tobytes(), np.uint8).reshape(*outer, -1)
        # of BF16 the upper half
        kept = numbers if type_name == "F32" else numbers.view("<u2")[..., 1::2]
        return np.frombuffer(kept.tobytes(), np.uint8).reshape(*outer, -1)
    size, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    made = random.integers(0, 256, (int(np.prod(outer)) * columns // size, nbytes), np.uint8)
    for at in _FLOATS[type_name]:
        scale = spread / _SIZE[type_name] * random.uniform(0.5, 1.5, (len(made), 1))
        if at == 2 and type_name in ("Q4_1", "Q5_1"):
            scale = -scale * _SIZE[type_name]  # a minimum, which codes above it bring back to about zero
        made[:, at : at + 2] = scale.astype("<f2").view(np.uint8)
    return made.reshape(*outer, -1)


__all__ = ["ARCHITECTURES", "TYPES", "VOCABULARY", "random_bits", "write"]
