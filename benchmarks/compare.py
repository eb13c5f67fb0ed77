"""How fast two captures are compared, all metrics at once, beside what people compare with today; everything in one run, one core.

OPENBLAS_NUM_THREADS=1 python benchmarks/compare.py [--megabytes 256] [--rivals FOLDER] [--quick] [--json]

Figures are gigabytes of both sides a CPU second, best of some rounds, one job after the other in each round. The two programs take part
where they can be imported: `pip install --target FOLDER polygraphy mindstudio-probe pandas tqdm packaging` and `--rivals FOLDER`. What is
marked `as published` is their formulas written down in numpy, for want of the program, which would bring torch.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
import tracemalloc
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.formats.aprt import open_stage, write_stage
from apr.parity.diff import compare_stage_files
from apr.parity.metrics import compare_with_profiles
from figures import Sheet, told

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Singles = NDArray[np.float32]
    Pairs = list[tuple[Singles, Singles]]
    Job = Callable[[Singles, Singles], object]

SHAPES = ((128, 1536), (128, 576), (128, 49_152))
NOISE = 1e-6  # relative, as two engines that agree
ROUNDS = 7
SLOW_PAIRS = 8  # how many stages the two programs get: they are slow, and at worst favoured by the cache


def captures(shape: tuple[int, int], megabytes: int) -> Pairs:
    """Pairs of stages of one shape, together of that size, both sides counted."""
    random = np.random.Generator(np.random.PCG64(1))
    pairs = []
    for _ in range(max(megabytes * 1_000_000 // (8 * shape[0] * shape[1]), 1)):
        b = random.standard_normal(shape, np.float32)
        pairs.append((b * (1 + np.float32(NOISE) * random.standard_normal(shape, np.float32)), b))
    return pairs


def ours(a: Singles, b: Singles) -> object:
    """Every metric of `apr.parity.metrics`, by position and by channel too."""
    return compare_with_profiles(a, b)


def read(a: Singles, b: Singles) -> object:
    """Nothing but reading both sides once."""
    return a.max(), b.max()


def naive(a: Singles, b: Singles) -> object:
    """NMSE, max |d| and cosine in float64, as everybody writes them first."""
    x, y = a.astype(np.float64).ravel(), b.astype(np.float64).ravel()
    d = x - y
    return (d**2).sum() / (y**2).sum(), np.abs(d).max(), np.dot(x, y) / (np.linalg.norm(x) * np.linalg.norm(y))


def sglang(a: Singles, b: Singles) -> object:
    """1 - 2·sum(xy) / sum(x² + y²), max and mean |d|, as sglang's comparator reports them, in float64."""
    x, y = a.astype(np.float64), b.astype(np.float64)
    d = np.abs(x - y)
    return 1 - 2 * (x * y).sum() / (x * x + y * y).sum(), d.max(), d.mean()


def check_nmse(a: Singles, b: Singles) -> object:
    """MSE over the variance of the reference and max |d|, as llama.cpp's check-nmse.py, in float32."""
    d = b - a
    mse = np.mean(d**2)
    return mse / np.var(b), mse, np.abs(d).max()


def polygraphy() -> Job | None:
    """Polygraphy's comparison of two outputs with its defaults; None where it is not installed."""
    try:
        from polygraphy.comparator import CompareFunc  # noqa: PLC0415 - not installed everywhere
        from polygraphy.comparator.struct import IterationResult  # noqa: PLC0415 - likewise
        from polygraphy.logger import G_LOGGER  # noqa: PLC0415 - likewise
    except ImportError:
        return None
    G_LOGGER.module_severity = G_LOGGER.CRITICAL
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        compare = CompareFunc.simple()
    return lambda a, b: compare(IterationResult({"stage": a}), IterationResult({"stage": b}))


def msprobe() -> Job | None:
    """The six metrics of msprobe's tensor mode; None where it is not installed."""
    try:
        from msprobe.core.common.log import logger  # noqa: PLC0415 - not installed everywhere
        from msprobe.core.compare.npy_compare import compare_ops_apply  # noqa: PLC0415 - likewise
    except ImportError:
        return None
    logger.info = lambda *_: None
    return lambda a, b: compare_ops_apply(a, b, False, "")


def seconds(job: Job, pairs: Pairs) -> float:
    """CPU seconds of one round."""
    start = time.process_time()
    for a, b in pairs:
        job(a, b)
    return time.process_time() - start


def through_files(pairs: Pairs, folder: Path) -> Callable[[], object]:
    """The same pairs as stage files, read and compared as `apr diff` does it."""
    files = []
    for number, (a, b) in enumerate(pairs):
        paths = folder / f"{number}-a.bin", folder / f"{number}-b.bin"
        for path, array in zip(paths, (a, b), strict=True):
            write_stage(path, 0, array)
        files.append((open_stage(paths[0]), open_stage(paths[1]), len(a)))
    return lambda: [compare_stage_files(a, b, rows=rows, limit=1) for a, b, rows in files]


def memory(pairs: Pairs) -> int:
    """The most bytes that comparing held at a time, in a thread that has no scratch from before."""
    tracemalloc.start()
    thread = threading.Thread(target=lambda: [ours(a, b) for a, b in pairs])
    thread.start()
    thread.join()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def measure(sheet: Sheet, shape: tuple[int, int], megabytes: int, folder: Path) -> None:
    """Prints a table of one shape."""
    pairs = captures(shape, megabytes)
    size = sum(a.nbytes + b.nbytes for a, b in pairs)
    target = np.empty_like(pairs[0][0])

    def memcpy(a: Singles, b: Singles) -> None:
        np.copyto(target, a)
        np.copyto(target, b)

    same = [(b, b.copy()) for _, b in pairs]
    jobs: list[tuple[str, Job | None, Pairs, str]] = [
        ("apr, all metrics", ours, pairs, "max|d| RMS rel-RMS NMSE cosine ULP bits, by position, by channel"),
        ("apr, the same bits", ours, same, "all metrics of two captures that are equal"),
        ("Polygraphy", polygraphy(), pairs[:SLOW_PAIRS], "abs and rel error: max mean median min std, tolerance"),
        (
            "msprobe, six metrics",
            msprobe(),
            pairs[:SLOW_PAIRS],
            "cosine, Euclid, max abs, max rel, 1e-3 and 5e-3 ratio",
        ),
        ("sglang, as published", sglang, pairs, "rel, max abs, mean abs"),
        ("check-nmse, as published", check_nmse, pairs, "NMSE, MSE, max abs"),
        ("numpy, float64", naive, pairs, "NMSE, max abs, cosine"),
        ("memcpy of both sides", memcpy, pairs, "floor"),
        ("reading both sides", read, pairs, "floor"),
    ]
    files = through_files(pairs, folder)
    best: dict[str, float] = {}
    for _ in range(2 if sheet.quick else ROUNDS):
        for name, job, given, _what in jobs:
            if job is not None:
                part = sum(a.nbytes + b.nbytes for a, b in given)
                best[name] = max(best.get(name, 0.0), part / seconds(job, given) / 1e9)
        start = time.process_time()
        files()
        best["apr, from files"] = max(best.get("apr, from files", 0.0), size / (time.process_time() - start) / 1e9)
    peak = memory(pairs[:SLOW_PAIRS])
    mine = best["apr, all metrics"]
    size_of = f"{shape[0]} x {shape[1]}"
    what, peer = f"two captures compared, stages of {size_of}", ("sglang's three metrics", best["sglang, as published"])
    sheet.add(f"speed-{shape[1]}", f"{what}, all metrics", mine, "GB/s", against=peer, at_least=4.0)
    sheet.add(f"files-{shape[1]}", f"{what}, from files", best["apr, from files"], "GB/s", against=peer)
    sheet.add(f"memory-{shape[1]}", f"{what}: memory", peak / 1e6, "MB")
    for name in ("Polygraphy", "msprobe, six metrics"):
        if name in best:
            sheet.add(f"{name.split(',')[0]}-{shape[1]}", what, mine, "GB/s", against=(name, best[name]))
    print(
        f"\n{len(pairs)} stages of {shape[0]} x {shape[1]}, {size / 1e6:.0f} MB in all; memory of ours: {peak / 1e6:.1f} MB"
    )
    print(f"{'':26}{'GB/s':>8}{'apr is':>10}")
    jobs.insert(1, ("apr, from files", ours, pairs, "all metrics, read from stage files as `apr diff` does"))
    for name, job, _given, what in jobs:
        if job is None:
            print(f"{name:26}{'-':>8}{'':10}  not installed (--rivals)")
        else:
            print(f"{name:26}{best[name]:8.3f}{mine / best[name]:9.2f}x  {what}")


def main(sheet: Sheet) -> None:
    """A table for each shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--megabytes", type=int, default=32 if sheet.quick else 256, help="size of a pair of captures, both sides (256)"
    )
    parser.add_argument("--rivals", type=Path, help="folder in which Polygraphy and msprobe are installed")
    args: Any = parser.parse_args()
    if args.rivals is not None:
        sys.path.append(str(args.rivals))  # at the end: numpy stays ours
    for name, job in (("Polygraphy", polygraphy), ("msprobe", msprobe)):
        if job() is None:
            sheet.leave_out(f"{name}: it is not installed, see --rivals")
    for shape in SHAPES:
        with tempfile.TemporaryDirectory() as folder:
            measure(sheet, shape, args.megabytes, Path(folder))


if __name__ == "__main__":
    sys.exit(told(main))
