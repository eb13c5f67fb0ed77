"""A free run in arithmetic `exact` beside one in `ggml` and llama.cpp's own, of the same tokens, in one run; and that it is equal.

OPENBLAS_NUM_THREADS=1 python benchmarks/exact.py [MODEL [POSITIONS]] [--json]    default: the cached smollm2, 16 positions
"""

from __future__ import annotations

import os
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apr.cache import resolve_model
from apr.engines.llama_cpp.engine import LlamaCpp
from apr.engines.reference import Reference
from apr.formats import open_model
from apr.ops.arithmetic import EXACT, GGML
from apr.text.tokenizer import Tokenizer
from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.capture import Capture

PROSE = Path(__file__).resolve().parent.parent / "fixtures" / "prose.txt"
BOUND = 8.0  # CPU seconds that the first run of 16 positions of the real model may take, decoding included


def cpu() -> float:
    """Seconds of this process and of the children that have ended."""
    return sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def timed(job: Callable[[], Capture]) -> tuple[Capture, float]:
    """What a job makes, and CPU seconds of this process."""
    start = time.process_time()
    made = job()
    return made, time.process_time() - start


def of_llama_cpp(file: object, tokens: list[int], captures: int) -> tuple[Capture, float]:
    """A capture, and CPU seconds of the child that took so many of them, loading and proof included."""
    start = cpu()
    with LlamaCpp(file) as oracle:  # type: ignore[arg-type] # a model file
        capture = oracle.capture(tokens)
        for _ in range(captures - 1):
            oracle.capture(tokens)
    return capture, cpu() - start


def main(sheet: Sheet) -> int:
    """Prints seconds, ratios, and how many elements differ."""
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        print("OPENBLAS_NUM_THREADS=1 has to be set: CPU seconds of spinning threads mean nothing", file=sys.stderr)
        return 2
    file = open_model(resolve_model(sys.argv[1] if len(sys.argv) > 1 else "smollm2"))
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 16
    tokens = Tokenizer.from_file(file).encode(PROSE.read_text(encoding="utf-8"))[:count]
    _, once = of_llama_cpp(file, tokens, 1)
    theirs, often = of_llama_cpp(file, tokens, 6)
    library = (often - once) / 5
    rows = [("llama.cpp, every stage captured", library, library)]
    runs = {}
    for arithmetic in (GGML, EXACT):
        reference = Reference(file, arithmetic)
        runs[arithmetic.name], first = timed(lambda reference=reference: reference.capture(tokens))  # type: ignore[misc] # bound now
        _, again = timed(lambda reference=reference: reference.capture(tokens))  # type: ignore[misc]
        rows.append((f"numpy, arithmetic {arithmetic.name}", first, again))
    print(f"{len(tokens)} positions of {file.path.name}, CPU seconds on one thread")
    print(f"{'':36}{'first run':>10}{'again':>8}{'x llama.cpp':>13}")
    for name, first, again in rows:
        print(f"{name:36}{first:10.2f}{again:8.2f}{again / library:13.1f}")
    different = {name: differing(run, theirs) for name, run in runs.items()}
    elements = sum(array.size for array in theirs.stages.values())
    for name, number in different.items():
        print(f"free run in {name}: {number} of {elements} elements differ from llama.cpp's")
    what = f"elements of a free run in exact that differ from llama.cpp's, {count} tokens"
    sheet.add("differ", what, different[EXACT.name], at_most=0, at_any_size=True)
    _, first, again = rows[-1]
    what, peer = f"a free run in exact, {count} tokens", ("llama.cpp, every stage captured", library)
    sheet.add("first", f"{what}, the first", first, "s", against=peer, at_most=BOUND if count == 16 else None)
    sheet.add("again", f"{what}, again", again, "s", against=peer)
    return 0


def differing(ours: Capture, theirs: Capture) -> int:
    """Elements of all stages whose bits differ."""
    pairs = ((np.ascontiguousarray(ours[key]), np.ascontiguousarray(theirs[key])) for key in theirs.stages)
    return sum(int((a.view(np.uint32) != b.view(np.uint32)).sum()) for a, b in pairs)


if __name__ == "__main__":
    sys.exit(told(main))
