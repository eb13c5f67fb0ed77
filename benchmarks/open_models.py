"""Time and memory to open models: a 5 GB .gguf and .apr, made on the spot without taking disk, and the real model.

python benchmarks/open_models.py [MODEL] [--quick] [--json]    default: the cached smollm2

Each opening happens in a process of its own; memory is the greatest resident size beyond that of the imports. The large
files have the tensor index of a 7B llama in Q4_K and a vocabulary of 128,000 tokens and as many merges.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import gguf
import numpy as np

from apr.cache import resolve_model
from apr.formats.apr.dtypes import CODES, Dtype, Layout, encoded_size
from apr.formats.apr.header import HEADER_SIZE, Flags, Header, align
from apr.formats.apr.index import pack_entry
from apr.formats.apr.metadata import dump_metadata
from apr.formats.names import hf_name
from figures import Sheet, told

ROUNDS = 3
LAYERS, HIDDEN, FEED_FORWARD, HEADS, KV_HEADS, TOKENS = 36, 4096, 14336, 32, 8, 128_000
CHILD = """
import sys, time
from pathlib import Path
import {imports}

def peak():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")) / 1024

before, start = peak(), time.process_time()
opened = {call}
print(time.process_time() - start, peak() - before)
"""
READERS = {
    "open_model": (
        "apr.formats.apr_model, apr.formats.split, apr.formats",
        "apr.formats.open_model(Path(sys.argv[1]))",
    ),
    "gguf.GGUFReader": ("gguf", "gguf.GGUFReader(sys.argv[1])"),
}


class Cost(NamedTuple):
    """CPU seconds and MiB."""

    seconds: float
    mebibytes: float


def shapes() -> dict[str, tuple[int, ...]]:
    """The tensors of the large model by GGUF name, outermost dimension first."""
    kv = HIDDEN // HEADS * KV_HEADS
    made: dict[str, tuple[int, ...]] = {"token_embd.weight": (TOKENS, HIDDEN), "output.weight": (TOKENS, HIDDEN)}
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        made |= {block + "attn_norm.weight": (HIDDEN,), block + "ffn_norm.weight": (HIDDEN,)}
        made |= {block + "attn_q.weight": (HIDDEN, HIDDEN), block + "attn_output.weight": (HIDDEN, HIDDEN)}
        made |= {block + "attn_k.weight": (kv, HIDDEN), block + "attn_v.weight": (kv, HIDDEN)}
        made |= {block + f"ffn_{part}.weight": (FEED_FORWARD, HIDDEN) for part in ("gate", "up")}
        made |= {block + "ffn_down.weight": (HIDDEN, FEED_FORWARD)}
    return made | {"output_norm.weight": (HIDDEN,)}


def vocabulary() -> tuple[list[str], list[str]]:
    """Tokens and merges, as many and as long as in a real tokenizer."""
    return [f"token{index:06d}" for index in range(TOKENS)], [f"tok en{index:06d}" for index in range(TOKENS)]


def sparse_gguf(path: Path) -> Path:
    """Writes the head, and makes the file as long as it says."""
    tokens, merges = vocabulary()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(8192)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(FEED_FORWARD)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(500000.0)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * TOKENS)
    writer.add_token_merges(merges)
    end = 0
    for name, shape in shapes().items():
        kind = gguf.GGMLQuantizationType.F32 if len(shape) == 1 else gguf.GGMLQuantizationType.Q4_K
        block, size = gguf.GGML_QUANT_SIZES[kind]
        nbytes = int(np.prod(shape)) // block * size
        stored = shape if len(shape) == 1 else (shape[0], shape[1] // block * size)
        dtype = np.dtype(np.float32 if len(shape) == 1 else np.uint8)
        writer.add_tensor_info(name, stored, dtype, nbytes, kind)
        end += gguf.GGUFWriter.ggml_pad(nbytes, 32)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    with path.open("r+b") as file:
        file.truncate(gguf.GGUFWriter.ggml_pad(path.stat().st_size, 32) + end)
    return path


def sparse_apr(path: Path) -> Path:
    """The same as .apr, as `apr import` writes it, but for the footer."""
    tokens, merges = vocabulary()
    metadata = {
        "model_type": "llama",
        "total_size": 0,
        "param_count": 0,
        "architecture": "llama",
        "hidden_size": HIDDEN,
        "num_layers": LAYERS,
        "num_heads": HEADS,
        "num_kv_heads": KV_HEADS,
        "vocab_size": TOKENS,
        "intermediate_size": FEED_FORWARD,
        "max_position_embeddings": 8192,
        "rope_theta": 500000.0,
        "rope_type": 0,
        "rms_norm_eps": 1e-5,
        "tokenizer.vocabulary": tokens,
        "tokenizer.merges": merges,
        "tokenizer.model_type": "gpt2",
        "tokenizer.pre_type": "llama-bpe",
    }
    raw, index, offset = dump_metadata(metadata), b"", 0
    for name, shape in sorted((hf_name("llama", name), shape) for name, shape in shapes().items()):
        dtype = Dtype.F32 if len(shape) == 1 else Dtype.Q4_K
        nbytes = encoded_size(dtype, shape, Layout.APR)
        if nbytes is None:
            raise SystemExit(f"{name} has no whole blocks")
        index += pack_entry(name.encode(), CODES[Layout.APR][dtype], shape, offset, nbytes)
        offset += align(nbytes)
    index_at = HEADER_SIZE + align(len(raw))
    flags = Flags.LAYOUT_ROW_MAJOR | Flags.QUANTIZED
    header = Header(flags, len(shapes()), HEADER_SIZE, len(raw), index_at, index_at + align(len(index)))
    with path.open("wb") as file:
        for section in (header.pack(), raw, index):
            file.write(section + bytes(align(len(section)) - len(section)))
        file.truncate(header.data_offset + offset)
    return path


def cost(reader: str, path: Path) -> Cost:
    """The least of a few rounds."""
    imports, call = READERS[reader]
    command = [sys.executable, "-c", CHILD.format(imports=imports, call=call), str(path)]
    rounds = []
    for _ in range(ROUNDS):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        rounds.append(Cost(*map(float, done.stdout.split())))
    return Cost(min(each.seconds for each in rounds), min(each.mebibytes for each in rounds))


def whole(*args: str) -> float:
    """Seconds that a command takes from start to end, least of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-m", "apr", *args], capture_output=True, check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def compare(sheet: Sheet, name: str, path: Path, readers: tuple[str, ...]) -> None:
    """Prints what it costs to open a file, the first reader's cost being 1.

    "Milliseconds and no gigabytes" was asked for: under a second and under a gigabyte.
    """
    print(f"{name}: {path.stat().st_size / 1e9:.2f} GB, {path.stat().st_blocks * 512 / 1e6:.0f} MB on disk")
    first = cost(readers[0], path)
    for reader in readers:
        each = first if reader == readers[0] else cost(reader, path)
        print(
            f"  {reader:16s} {each.seconds * 1000:8.1f} ms of CPU ({each.seconds / first.seconds:6.1f} times), "
            f"{each.mebibytes:6.1f} MiB beyond the imports"
        )
    peer = None if len(readers) == 1 else (reader, each.seconds * 1000)
    key = name.replace(" .", "-")
    what = f"opening the {name}, {path.stat().st_size / 1e9:.1f} GB"
    sheet.add(f"{key}-cpu", what, first.seconds * 1000, "ms", against=peer, at_most=999, at_any_size=True)
    sheet.add(f"{key}-memory", f"{what}: memory", first.mebibytes * 1.048576, "MB", at_most=999, at_any_size=True)


def main(sheet: Sheet) -> None:
    """Prints times, memory and ratios."""
    real = resolve_model(sys.argv[1] if len(sys.argv) > 1 else "smollm2")
    with tempfile.TemporaryDirectory() as folder:
        large_gguf, large_apr = sparse_gguf(Path(folder, "large.gguf")), sparse_apr(Path(folder, "large.apr"))
        compare(sheet, "large .gguf", large_gguf, ("open_model", "gguf.GGUFReader"))
        compare(sheet, "large .apr", large_apr, ("open_model",))
        compare(sheet, "real .gguf", real, ("open_model", "gguf.GGUFReader"))
        help_alone = whole("inspect", "--help")
        print(f"apr inspect --help takes {help_alone:.2f} s from start to end; that is what Python and argparse take")
        for path in (large_gguf, large_apr):
            seconds = whole("inspect", str(path))
            print(f"apr inspect {path.name}: {seconds:.2f} s")
            peer = ("apr inspect --help", help_alone)
            sheet.add(f"inspect{path.suffix}", f"apr inspect {path.name}", seconds, "s", against=peer)


if __name__ == "__main__":
    sys.exit(told(main))
