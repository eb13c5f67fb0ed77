"""Memory and speed of `apr diff` on two stage files: python benchmarks/diff_memory.py [MEGABYTES] [--quick] [--json]    default: 2048 each."""

from __future__ import annotations

import resource
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from figures import Sheet, told


def write(path: Path, megabytes: int, seed: int) -> None:
    """A stage file of random numbers."""
    rng = np.random.Generator(np.random.PCG64(seed))
    with path.open("wb") as file:
        file.write(struct.pack("<4sII", b"APRT", 0, megabytes << 18))
        for _ in range(megabytes):
            file.write(rng.standard_normal(1 << 18, np.float32).data)


def main(sheet: Sheet) -> None:
    """Prints seconds, gigabytes a second and the process's greatest resident size."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 128 if sheet.quick else 2048
    with tempfile.TemporaryDirectory() as folder:
        a, b = Path(folder, "a.bin"), Path(folder, "b.bin")
        write(a, megabytes, 1)
        write(b, megabytes, 2)
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "apr", "diff", a, b, "--values"], capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(done.stdout + done.stderr)
    if done.returncode != 1:
        raise SystemExit(f"apr diff ended with exit code {done.returncode}; the two files differ, so 1 was due")
    sheet.add("peak", f"apr diff of two files of {megabytes} MB: memory", peak, "MB", at_most=200, at_any_size=True)
    sheet.add("speed", f"apr diff of two files of {megabytes} MB", 2 * megabytes / 1024 / seconds, "GB/s")
    print(
        f"2 x {megabytes} MB in {seconds:.1f} s ({2 * megabytes / 1024 / seconds:.2f} GB/s), exit {done.returncode}, peak {peak:.0f} MB"
    )


if __name__ == "__main__":
    sys.exit(told(main))
