"""How fast weights are decoded, in one run: our way beside the gguf library's, and ggml's C where it may be used.

OPENBLAS_NUM_THREADS=1 python benchmarks/dequantise.py [MODEL ...] [--quick] [--json]    default: the cached smollm2, and a matrix of each type

Figures are gigabytes of float32 output a CPU second, best of some rounds. `kept` is a matrix decoded into memory that is new
each time, as `Weights` keeps it; `parts` is one decoded some rows at a time, as large matrices are; the last column is C into
memory that is warm.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import gguf
import numpy as np
from gguf import GGMLQuantizationType

from apr.cache import resolve_model
from apr.engines.llama_cpp.dequantise import ProvedDequantiser
from apr.engines.llama_cpp.kernels import open_kernels, quantise
from apr.formats import open_model
from apr.quant.dequantise import by_gguf
from apr.quant.weights import Weights
from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.formats.model_file import ModelFile
    from apr.quant.dequantise import Dequantiser

TYPES = ("F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K")
ROWS, COLUMNS = 2048, 4096  # 32 MiB decoded
LARGE_ROWS = 8704  # 136 MiB decoded: no longer kept whole
ROUNDS = 5


def best(function: Callable[[], object]) -> float:
    """Least CPU seconds of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def written(path: Path, type_name: str, rows: int) -> ModelFile:
    """A file with one matrix of a type; its rows repeat 256 random ones."""
    numbers = np.random.Generator(np.random.PCG64(1)).standard_normal((256, COLUMNS)).astype(np.float32)
    raw = np.tile(quantise(numbers, type_name), (rows // 256, 1))
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tensor("w", raw, raw_dtype=GGMLQuantizationType[type_name])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return open_model(path)


def decode(file: ModelFile, names: list[str], dequantise: Dequantiser) -> Callable[[], object]:
    """Every matrix once, through `Weights`, with nothing kept from the round before."""

    def run() -> None:
        weights = Weights(file, dequantise)
        for name in names:
            for _part in weights.matrix(name):
                pass

    return run


def of_each_type(sheet: Sheet, folder: Path) -> None:
    """One line a type."""
    print(f"{'':8}{'gguf':>7}{'ours':>7}{'ratio':>7}{'ggml kept':>11}{'parts':>7}{'warm':>7}   GB/s")
    kernels = open_kernels()
    for type_name in ("Q4_K", "Q4_1") if sheet.quick else TYPES:
        file = written(folder / f"{type_name}.gguf", type_name, ROWS)
        large = written(folder / f"{type_name}-large.gguf", type_name, LARGE_ROWS)
        raw, size = np.array(file.raw("w")), 4 * ROWS * COLUMNS / 1e9
        fast, fast_large = ProvedDequantiser(file), ProvedDequantiser(large)
        warm = np.zeros((ROWS, COLUMNS), np.float32)
        theirs = size / best(lambda raw=raw, kind=type_name: by_gguf(raw, kind))  # type: ignore[misc]
        ours = size / best(decode(file, ["w"], by_gguf))
        kept, parts = (
            size / best(decode(file, ["w"], fast)),
            size / best(decode(large, ["w"], fast_large)) * LARGE_ROWS / ROWS,
        )
        into = size / best(lambda raw=raw, kind=type_name, warm=warm: kernels.dequantise(raw, kind, warm))  # type: ignore[misc]
        refused = "".join(f"   numpy: {reason}" for reason in {*fast.refused.values(), *fast_large.refused.values()})
        print(f"{type_name:8}{theirs:7.2f}{ours:7.2f}{ours / theirs:7.2f}{kept:11.2f}{parts:7.2f}{into:7.2f}{refused}")
        what = f"{type_name} decoded, by default"
        sheet.add(f"numpy-{type_name}", what, ours, "GB/s", against=("gguf", theirs), at_least=0.9, of_ratio=True)
        asked = 2.0 if type_name == "Q4_K" else None
        what = f"{type_name} decoded through ggml, proved on the file"
        sheet.add(f"ggml-{type_name}", what, max(kept, parts), "GB/s", against=("gguf", theirs), at_least=asked)


def of_a_model(sheet: Sheet, path: Path) -> None:
    """Every matrix of a model, kept as long as all of them fit."""
    file = open_model(path)
    names = [name for name, tensor in file.tensors.items() if len(tensor.shape) > 1]
    size = sum(4 * int(np.prod(file.tensors[name].shape)) for name in names) / 1e9

    def theirs() -> object:
        return [by_gguf(file.raw(name), file.tensors[name].type_name) for name in names]  # all kept, as ours are

    gguf_seconds, ours, fast = (
        best(theirs),
        best(decode(file, names, by_gguf)),
        best(decode(file, names, ProvedDequantiser(file))),
    )
    sheet.add("model", f"{path.name}, every matrix", ours, "s", against=("gguf", gguf_seconds))
    sheet.add("model-ggml", f"{path.name}, every matrix, through ggml", fast, "s", against=("gguf", gguf_seconds))
    print(
        f"{path.name}, {size:.2f} GB decoded: gguf {gguf_seconds:.2f} CPU s, ours {ours:.2f}, through ggml {fast:.2f}"
    )


def main(sheet: Sheet) -> None:
    """Prints a table, and a line a model."""
    with tempfile.TemporaryDirectory() as folder:
        of_each_type(sheet, Path(folder))
    for model in sys.argv[1:] or ["smollm2"]:
        of_a_model(sheet, resolve_model(model))


if __name__ == "__main__":
    sys.exit(told(main))
