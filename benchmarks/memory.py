"""What `apr trace` needs in memory for large models, made on the spot with random weights.

python benchmarks/memory.py [FOLDER] [--quick] [--json]    default: the system's folder for temporary files; 5 GB are needed there

Two models: one of the shape of Qwen2.5-7B in Q4_K_M (28 layers, 4.4 GB), and one layer of the shape of Qwen3-30B-A3B (128
experts, 8 used). Every stage of every layer at 16 tokens is saved; the peak is the process's greatest resident size, pages of
the mapped file among it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from apr.engines.llama_cpp.kernels import quantise
from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

TOKENS = ",".join(str(7919 * n % 150_000) for n in range(16))
ALIGNMENT = 32
PATTERN = 64  # different rows of a matrix; all others repeat them in another order


@dataclass(frozen=True)
class Shape:
    """Sizes of a model.

    Attributes:
        biased: has biases of queries, keys and values.
        experts, used: 0 for a dense model; `feed_forward` is that of one expert otherwise.
    """

    architecture: str
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    biased: bool = False
    experts: int = 0
    used: int = 0
    limit_gb: float = 3.0

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...], str]]:
        """Name, shape and type of each, as llama.cpp's Q4_K_M has them."""
        h, q, kv, f = self.hidden, self.heads * self.head_dim, self.kv_heads * self.head_dim, self.feed_forward
        yield "token_embd.weight", (self.vocabulary, h), "Q4_K"
        for layer in range(self.layers):
            block, important = f"blk.{layer}.", "Q6_K" if layer % 3 == 0 else "Q4_K"
            matrices: list[tuple[str, tuple[int, ...], str]]
            matrices = [("attn_q", (q, h), "Q4_K"), ("attn_k", (kv, h), "Q4_K"), ("attn_v", (kv, h), important)]
            matrices += [("attn_output", (h, q), "Q4_K")]
            if self.experts:
                n = self.experts
                matrices += [("ffn_gate_inp", (n, h), "F32"), ("ffn_gate_exps", (n, f, h), "Q4_K")]
                matrices += [("ffn_up_exps", (n, f, h), "Q4_K"), ("ffn_down_exps", (n, h, f), important)]
            else:
                matrices += [("ffn_gate", (f, h), "Q4_K"), ("ffn_up", (f, h), "Q4_K"), ("ffn_down", (h, f), important)]
            yield from ((f"{block}{name}.weight", shape, kind) for name, shape, kind in matrices)
            vectors = [("attn_norm", h), ("ffn_norm", h)]
            vectors += [("attn_q_norm", self.head_dim), ("attn_k_norm", self.head_dim)] if self.experts else []
            yield from ((f"{block}{name}.weight", (width,), "F32") for name, width in vectors)
            if self.biased:
                yield from ((f"{block}attn_{part}.bias", (w,), "F32") for part, w in (("q", q), ("k", kv), ("v", kv)))
        yield "output_norm.weight", (h,), "F32"
        yield "output.weight", (self.vocabulary, h), "Q6_K"


@dataclass
class Writer:
    """Writes a GGUF file whose tensors never stand in memory as a whole."""

    path: Path
    rng: np.random.Generator = field(default_factory=lambda: np.random.Generator(np.random.PCG64(1)))

    def write(self, shape: Shape) -> None:
        """The whole file."""
        writer = gguf.GGUFWriter(self.path, shape.architecture)
        self._describe(writer, shape)
        tensors = list(shape.tensors())
        for name, dims, kind in tensors:
            block, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[kind]]
            size = int(np.prod(dims)) // block * nbytes
            packed = (*dims[:-1], dims[-1] // block * nbytes)
            dtype = np.dtype(np.float32 if kind == "F32" else np.uint8)
            stated = None if kind == "F32" else GGMLQuantizationType[kind]
            writer.add_tensor_info(name, dims if stated is None else packed, dtype, size, stated)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        (out,) = writer.fout or []
        out.write(bytes(-out.tell() % ALIGNMENT))
        for _, dims, kind in tensors:
            for rows in self._rows(dims, kind):
                out.write(rows.data)
            out.write(bytes(-out.tell() % ALIGNMENT))
        writer.close()

    def _rows(self, dims: tuple[int, ...], kind: str) -> Iterator[NDArray[np.generic]]:
        """The rows of a tensor, some at a time."""
        if kind == "F32":
            mean, spread = (1.0, 0.2) if len(dims) == 1 else (0.0, dims[-1] ** -0.5)
            yield (mean + spread * self.rng.standard_normal(dims)).astype(np.float32)
            return
        numbers = self.rng.standard_normal((PATTERN, dims[-1])) * dims[-1] ** -0.5
        pattern = quantise(numbers.astype(np.float32), kind)
        left = int(np.prod(dims[:-1]))
        while left:
            count = min(left, 4096)
            yield pattern[self.rng.integers(0, PATTERN, count)]
            left -= count

    @staticmethod
    def _describe(writer: gguf.GGUFWriter, shape: Shape) -> None:
        writer.add_block_count(shape.layers)
        writer.add_context_length(4096)
        writer.add_embedding_length(shape.hidden)
        writer.add_feed_forward_length(shape.feed_forward)
        writer.add_head_count(shape.heads)
        writer.add_head_count_kv(shape.kv_heads)
        writer.add_key_length(shape.head_dim)
        writer.add_value_length(shape.head_dim)
        writer.add_layer_norm_rms_eps(1e-6)
        writer.add_rope_freq_base(1e6)
        if shape.experts:
            writer.add_expert_count(shape.experts)
            writer.add_expert_used_count(shape.used)
            writer.add_expert_feed_forward_length(shape.feed_forward)
        writer.add_vocab_size(shape.vocabulary)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("qwen2")
        writer.add_token_list([f"t{n}" for n in range(shape.vocabulary)])
        writer.add_token_types([1] * shape.vocabulary)
        writer.add_token_merges(["t 0"])  # llama.cpp loads no vocabulary without one


SHAPES = {
    "7B": Shape("qwen2", 28, 3584, 18944, 28, 4, 128, 152_064, biased=True),
    "30B-A3B-layer": Shape("qwen3moe", 1, 2048, 768, 32, 4, 128, 151_936, experts=128, used=8, limit_gb=2.0),
}


def trace(model: Path, output: Path, arithmetic: str) -> tuple[float, float]:
    """Runs the program: seconds, and its greatest resident size in GB."""
    command = [sys.executable, "-m", "apr", "trace", str(model), "--tokens", TOKENS, "--save-tensor", "all"]
    command += ["--save-tensor-layers", "all", "--arithmetic", arithmetic, "--output", str(output)]
    start = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        sys.exit(f"apr trace ended with status {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_maxrss / 1e6


def main(sheet: Sheet) -> None:
    """Prints time and memory of each; a quick run leaves the large one out."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        for name, shape in SHAPES.items():
            if sheet.quick and shape.layers > 1:
                sheet.leave_out(f"the memory of the {name}: 5 GB have to be written for it")
                continue
            path = Path(folder, "model.gguf")
            Writer(path).write(shape)
            for arithmetic in ("f32", "ggml"):
                seconds, peak = trace(path, Path(folder, f"{arithmetic}-{shape.layers}"), arithmetic)
                what = f"{name}, all stages at 16 tokens, arithmetic {arithmetic}: memory"
                sheet.add(f"{name}-{arithmetic}", what, peak, "GB", at_most=shape.limit_gb, at_any_size=True)
                size = path.stat().st_size / 1e9
                print(
                    f"{name}, {size:.1f} GB file, arithmetic {arithmetic}: {seconds:.0f} s, "
                    f"peak {peak:.2f} GB of {shape.limit_gb:.0f} GB allowed",
                    flush=True,
                )
            path.unlink()


if __name__ == "__main__":
    sys.exit(told(main))
