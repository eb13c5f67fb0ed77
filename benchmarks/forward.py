"""A numpy forward pass of all stages beside one of transformers from the same weights, on one thread each, in one run.

OPENBLAS_NUM_THREADS=1 python benchmarks/forward.py [MODEL] [--quick] [--json]    default: the cached smollm2; needs torch and transformers
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from apr.cache import resolve_model
from apr.engines.reference import Reference
from apr.engines.transformers.engine import Transformers
from apr.engines.transformers.library import is_installed
from apr.formats import open_model
from apr.ops.arithmetic import F32
from apr.parity.isolated import measure_isolated
from apr.text.tokenizer import Tokenizer
from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Callable

PROSE = Path(__file__).resolve().parent.parent / "fixtures" / "prose.txt"
POSITIONS = 128
ROUNDS = 9


def interleaved(jobs: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Least CPU seconds of each job; the jobs take turns, so that what else the machine does meets all of them."""
    best = dict.fromkeys(jobs, float("inf"))
    for round_number in range(rounds + 1):
        for name, job in jobs.items():
            start = time.process_time()
            job()
            spent = time.process_time() - start
            if round_number:  # the first one warms up
                best[name] = min(best[name], spent)
    return best


def main(sheet: Sheet) -> int:
    """Prints seconds and ratios, or that there is nothing to measure against."""
    if not is_installed():
        sheet.leave_out("torch and transformers are not installed, see the extra [transformers]")
        return 0
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":
        print("OPENBLAS_NUM_THREADS=1 has to be set: transformers gets one thread too", file=sys.stderr)
        return 2
    file = open_model(resolve_model(sys.argv[1] if len(sys.argv) > 1 else "smollm2"))
    tokens = Tokenizer.from_file(file).encode(PROSE.read_text(encoding="utf-8"))[:POSITIONS]
    ours, theirs = Reference(file, F32), Transformers(file, F32)
    times = interleaved(
        {
            "transformers, nothing recorded": lambda: theirs.logits(tokens),
            "transformers, every stage recorded": lambda: theirs.capture(tokens),
            "numpy, every stage, none kept": lambda: sum(1 for _ in ours.stream(tokens)),
            "numpy, every stage kept": lambda: ours.capture(tokens),
        },
        1 if sheet.quick else ROUNDS,
    )
    plain = times["transformers, nothing recorded"]
    print(f"{len(tokens)} tokens, float32, one thread, CPU seconds; {ours.build}; {theirs.build}")
    for name, seconds in times.items():
        print(f"  {name:36} {seconds:6.3f} s = {seconds / plain:.2f}")
    peer = ("transformers, nothing recorded", plain)
    stages = times["numpy, every stage, none kept"]
    sheet.add("stages", "numpy, every stage, 128 tokens", stages, "s", against=peer, at_most=1.0, of_ratio=True)
    sheet.add("kept", "numpy, every stage kept, 128 tokens", times["numpy, every stage kept"], "s", against=peer)
    rows = measure_isolated(ours, theirs.capture(tokens)).rows
    worst = max(rows, key=lambda row: row.difference.relative_rms)
    print(f"  worst isolated relative RMS of a stage {worst.difference.relative_rms:.2e} at {worst.key}")
    return 0


if __name__ == "__main__":
    sys.exit(told(main))
