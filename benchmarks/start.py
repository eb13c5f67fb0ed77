"""What each command takes to start, and which heavy modules it loads on the way.

python benchmarks/start.py [--rounds 5] [--quick] [--json]

Commands are those of the parsers of `pv`, `apr` and `ccpa`, so none is forgotten: `--help` of each, and one small piece of real work of
those that can do some without a model. Figures are the least CPU milliseconds of a few rounds, in turn, each a process of its own
from start to end with its byte code written. Where a command needs numpy it says so, and has no bound.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from commands import HEAVY, commands, light, loaded
from figures import Sheet, told

ROOT = Path(__file__).resolve().parents[1]
LIMIT = 150


def cpu_ms(command: list[str], folder: Path, environment: dict[str, str]) -> float:
    """The CPU milliseconds of a program from start to end.

    Raises:
        SystemExit: it ended with a code that is neither 0 nor 1.
    """
    child = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, code, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(code)
    if child.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} ended with exit code {child.returncode}")
    return 1e3 * (usage.ru_utime + usage.ru_stime)


def main(sheet: Sheet) -> None:
    """A line a command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2 if sheet.quick else 5)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # where byte code may not be written beside the modules, each start would pay for compiling them
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = f"{name}/byte-code"
        jobs = [
            one
            for program, known in commands().items()
            for one in [(program, "--help"), *((program, c, "--help") for c in known)]
        ]
        jobs += light(folder)
        programs = {job: [sys.executable, "-m", module(job[0]), *job[1:]] for job in jobs}
        bare = [sys.executable, "-c", "pass"]
        seen: dict[tuple[str, ...], list[float]] = {job: [] for job in jobs}
        start: list[float] = []
        for number in range(rounds + 1):
            start.append(cpu_ms(bare, folder, environment))
            for job, command in programs.items():
                taken = cpu_ms(command, folder, environment)
                if number:  # the first writes the byte code
                    seen[job].append(taken)
        found = {job: loaded(module(job[0]), job[1:], folder) for job in jobs}
    print(f"python alone: {min(start):.0f} ms; looked for: {', '.join(HEAVY)}")
    slowest = {False: ("", 0.0), True: ("", 0.0)}
    for job, times in seen.items():
        taken, exempt = min(times), "numpy" in found[job]
        what = " ".join(Path(word).name if "/" in word else word for word in job)
        said = f"loads {', '.join(found[job])}" if found[job] else ""
        print(f"{what:44.44} {taken:6.0f} ms  {said}{'' if exempt or taken <= LIMIT else '  TOO SLOW'}")
        slowest[exempt] = max(slowest[exempt], (what, taken), key=lambda one: one[1])
        sheet.add("-".join(what.replace("--", "").split()), what, taken, "ms")
    peer = ("python -c pass", min(start))
    what, taken = slowest[False]
    told_of = f"the slowest start of {len(jobs)}, of those without numpy: {what}"
    sheet.add("slowest", told_of, taken, "ms", against=peer, at_most=LIMIT)
    what, taken = slowest[True]
    if what:
        sheet.add("slowest-numpy", f"the slowest start of those with numpy: {what}", taken, "ms", against=peer)


def module(program: str) -> str:
    """What `python -m` calls a program."""
    return {"ccpa": "apr.ccpa"}.get(program, program)


if __name__ == "__main__":
    sys.exit(told(main))
