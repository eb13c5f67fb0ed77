"""How time and memory grow with claims, contracts, lines of a ledger, tokens and layers: exponents with their intervals, and plots.

python benchmarks/scaling.py [--only NAME ...] [--rounds 3] [--plots FOLDER] [--quick] [--json]

A job is a process of its own from start to end: the least CPU time of a few rounds, sizes in turn, less that of the smallest size, which
is what a start costs. Through the logarithms of what is beyond it, in size and in time, a line is drawn; its slope is the exponent, and more than 1.15 is a
defect. Peak memory is shown, not fitted. The plot is written where matplotlib is installed (extra `[bench]`).
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from figures import Sheet, told
from fit import Fit, fit
from sizes import JOBS, ROOT, Job

LIMIT = 1.15
SURE = 0.4  # a line whose 95 % interval is wider says nothing about 1.15
LAUNCH = """
import os, sys
null = os.open(os.devnull, os.O_WRONLY)
to = [(os.POSIX_SPAWN_DUP2, null, 1), (os.POSIX_SPAWN_DUP2, null, 2)]
_, status, used = os.wait4(os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=to), 0)
print(os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
PICTURES = ROOT / "docs" / "pictures"


@dataclass(frozen=True)
class Curve:
    """One job: sizes, CPU seconds beyond those of the smallest size, peak memory in MB, and the line through them.

    `smallest` is the size that is taken off, from the sizes as from the seconds, before the line is drawn.
    """

    job: Job
    sizes: tuple[int, ...]
    seconds: tuple[float, ...]
    megabytes: tuple[float, ...]
    line: Fit
    smallest: int


def once(command: list[str], folder: Path) -> tuple[float, float]:
    """CPU seconds and peak memory in MB of a program from start to end.

    It is started by a small process: the kernel counts what the one that starts it holds as the program's own peak.

    Raises:
        SystemExit: it ended with a code that is neither 0 nor 1.
    """
    small = [sys.executable, "-I", "-S", "-c", LAUNCH, *command]
    done = subprocess.run(small, cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    code, seconds, kilobytes = done.stdout.split()
    if int(code) not in (0, 1):
        raise SystemExit(f"{' '.join(command)[:200]} ended with exit code {code}")
    return float(seconds), int(kilobytes) / 1000


def measure(job: Job, rounds: int, *, quick: bool) -> Curve:
    """All sizes of a job, in turn."""
    sizes = job.quick if quick else job.sizes
    with tempfile.TemporaryDirectory() as name:
        folders = {size: Path(name) / str(size) for size in sizes}
        commands = {size: job.make(folder, size) for size, folder in folders.items()}
        seen: dict[int, list[tuple[float, float]]] = {size: [] for size in sizes}
        for _ in range(rounds):
            for size, command in commands.items():
                seen[size].append(once(command, folders[size]))
                shutil.rmtree(folders[size] / "stages", ignore_errors=True)
    cpu = {size: min(one for one, _ in taken) for size, taken in seen.items()}
    peak = {size: min(one for _, one in taken) for size, taken in seen.items()}
    start, *grown = sizes
    # a size that takes no longer than a start is below what can be measured
    seconds = tuple(max(cpu[size] - cpu[start], 1e-3) for size in grown)
    more = [size - start for size in grown]
    return Curve(job, tuple(grown), seconds, tuple(peak[size] for size in grown), fit(more, seconds), start)


def show(curve: Curve) -> None:
    """A line a size."""
    print(f"{curve.job.name}: {curve.job.about}")
    for size, seconds, megabytes in zip(curve.sizes, curve.seconds, curve.megabytes, strict=True):
        print(f"  {size:8d} {seconds:9.3f} s beyond a start {megabytes:7.0f} MB")
    line = curve.line
    print(f"  exponent {line.exponent:.2f}, 95 %: {line.low:.2f} to {line.high:.2f}", flush=True)


def main(sheet: Sheet) -> None:
    """Prints the curves, and writes the plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [job.name for job in JOBS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", default=names, help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=1 if sheet.quick else 3)
    parser.add_argument("--plots", type=Path, default=None if sheet.quick else PICTURES, metavar="FOLDER")
    arguments = parser.parse_args()
    curves = []
    for job in JOBS:
        if job.name not in arguments.only:
            continue
        curve = measure(job, arguments.rounds, quick=sheet.quick)
        show(curve)
        curves.append(curve)
        key, line = job.name.replace(" ", "-"), curve.line
        what = f"{job.about}: exponent of the time by {job.name} (95 %: {line.low:.2f} to {line.high:.2f})"
        if line.high - line.low > SURE and not sheet.quick:
            sheet.leave_out(f"{what}: the times lie too far from a line to say; run it where nothing else runs")
        else:
            sheet.add(key, what, line.exponent, at_most=None if sheet.quick else LIMIT)
        sheet.add(f"{key}-memory", f"{job.about}, {curve.sizes[-1]} {job.name}: memory", curve.megabytes[-1], "MB")
    if arguments.plots is None or set(arguments.only) != set(names):
        return
    if importlib.util.find_spec("matplotlib") is None:
        sheet.leave_out("the plot of the curves: matplotlib is not installed, see the extra [bench]")
        return
    from curves import plot  # noqa: PLC0415 - needs matplotlib

    arguments.plots.mkdir(parents=True, exist_ok=True)
    plot(curves, arguments.plots / "scaling.svg")


if __name__ == "__main__":
    sys.exit(told(main))
