"""What a parity measurement costs beside a plain run of llama.cpp, in one run; at 16 and 128 tokens of real text.

OPENBLAS_NUM_THREADS=1 python benchmarks/parity.py [MODEL] [--quick] [--json]    default: the cached smollm2
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from apr.cache import resolve_model
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.reference import Reference
from apr.formats.gguf import GgufFile, read_gguf
from apr.ops.arithmetic import F32, F64, GGML
from apr.parity.isolated import measure_isolated
from apr.text.tokenizer import Tokenizer
from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Callable

PROSE = Path(__file__).resolve().parent.parent / "fixtures" / "prose.txt"


def timed(function: Callable[[], object], rounds: int) -> float:
    """Least wall seconds of a few rounds, after one to warm up."""
    function()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(sheet: Sheet, file: GgufFile, oracle: LlamaCpp, tokens: list[int]) -> None:
    """Prints each job's seconds and its ratio to llama.cpp's plain run."""
    count, rounds = len(tokens), 1 if sheet.quick else 3
    plain = timed(lambda: oracle.logits(tokens), rounds)
    print(f"{count} tokens: llama.cpp, one thread, no callback: {plain:.3f} s = 1.00")
    capture = oracle.capture(tokens)
    f32, f64, ggml = (Reference(file, arithmetic) for arithmetic in (F32, F64, GGML))
    jobs: dict[str, tuple[str, Callable[[], object]]] = {
        "capture": ("llama.cpp, every stage captured", lambda: oracle.capture(tokens)),
        "f32": ("numpy, free run, f32", lambda: f32.capture(tokens)),
        "f64": ("numpy, free run, f64", lambda: f64.capture(tokens)),
        "ggml": ("numpy, free run, ggml", lambda: ggml.capture(tokens)),
        "isolated": ("every stage isolated and compared", lambda: measure_isolated(ggml, capture)),
    }
    for name, (what, job) in jobs.items():
        seconds = timed(job, rounds)
        print(f"  {what:36} {seconds:6.3f} s = {seconds / plain:.2f}")
        sheet.add(f"{name}-{count}", f"{what}, {count} tokens", seconds, "s", against=("llama.cpp, plain run", plain))
    rows = measure_isolated(ggml, capture).rows
    stage = max(rows, key=lambda row: row.difference.relative_rms)
    worst = stage.difference.relative_rms
    print(f"  worst isolated relative RMS of a stage     {stage.difference.relative_rms:.2e} at {stage.key}")
    each = max(rows, key=lambda row: row.difference.worst_position_relative_rms or 0.0)
    rms, position = each.difference.worst_position_relative_rms, each.difference.worst_position
    print(f"  worst isolated relative RMS of a position  {rms:.2e} at {each.key}, position {position}")
    what = f"worst isolated relative RMS of a stage, {count} tokens"
    sheet.add(f"worst-{count}", what, worst, at_most=1e-6, at_any_size=True)


def main(sheet: Sheet) -> None:
    """Measures at 16 and at 128 tokens; in a quick run at 16."""
    file = read_gguf(resolve_model(sys.argv[1] if len(sys.argv) > 1 else "smollm2"))
    text = Tokenizer.from_file(file).encode(PROSE.read_text(encoding="utf-8"))
    with LlamaCpp(file) as oracle:
        for count in (16,) if sheet.quick else (16, 128):
            measure(sheet, file, oracle, text[:count])


if __name__ == "__main__":
    sys.exit(told(main))
