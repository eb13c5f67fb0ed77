"""What `pv validate` takes, beside what it cannot do without: a start of Python and libyaml's reading of the same files.

python benchmarks/validate.py [FOLDER] [--rounds 7] [--files 10000] [--quick] [--json]

FOLDER holds contracts; without it the corpus of real contracts beside the checkout is taken where there is one, else the
contracts of this repository. Each figure is the least of a few processes run in turn, from start to end; nothing is kept between
them but the byte code of the modules. The large corpus is made of copies of the files in folders of their own, so that
names that several files share are shared there as well.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from figures import Sheet, told

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
HEAVY = ("yaml", "jsonschema", "numpy", "pytest")
COMPOSE = """
import sys, yaml
loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        list(yaml.compose_all(file, Loader=loader))
"""
LOADED = "import sys, pv.cli\ntry: pv.cli.main()\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"


@dataclass(frozen=True)
class Taken:
    """What a program took from its start to its end: the least of a few rounds of each."""

    wall_s: float
    cpu_s: float
    peak_mb: float


def run_once(command: list[str], environment: dict[str, str]) -> tuple[float, float, float]:
    """Run a program to its end: wall time and CPU in seconds, peak memory in MB."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)[:200]} ended with exit code {process.returncode}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


def measure(commands: dict[str, list[str]], rounds: int, environment: dict[str, str]) -> dict[str, Taken]:
    """Run each program once unmeasured, for the byte code, then so many rounds of all of them in turn."""
    for command in commands.values():
        run_once(command, environment)
    seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            seen[name].append(run_once(command, environment))
    return {name: Taken(*(min(column) for column in zip(*rows, strict=True))) for name, rows in seen.items()}


def loaded(arguments: list[str], environment: dict[str, str]) -> list[str]:
    """Which of the heavy modules a command loads."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return [name for name in HEAVY if name in done.stderr.split()]


def replicate(files: list[Path], top: Path, to: Path, wanted: int) -> None:
    """Copies of the files in numbered folders, until there are so many."""
    for number in range(wanted):
        copy, file = divmod(number, len(files))
        target = to / f"copy-{copy:04d}" / files[file].relative_to(top)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files[file], target)


def main(sheet: Sheet) -> None:
    """Print the figures as a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path, default=CORPUS if CORPUS.is_dir() else ROOT / "contracts")
    parser.add_argument("--rounds", type=int, default=2 if sheet.quick else 7, help="the least of so many counts")
    parser.add_argument(
        "--files", type=int, default=300 if sheet.quick else 10_000, help="files of the large corpus; 0 leaves it out"
    )
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".yaml", ".yml"})
    if not files:
        raise SystemExit(f"{arguments.folder}: no YAML file below it; name a folder that has contracts")
    one = sorted(files, key=lambda path: path.stat().st_size)[len(files) // 2]
    names = [str(path) for path in files]
    validate = [sys.executable, "-m", "pv", "validate"]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        # where byte code may not be written beside the modules, each start would pay for compiling them
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        environment["PYTHONPYCACHEPREFIX"] = str(work / "byte-code")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "libyaml's compose of the files": [sys.executable, "-c", COMPOSE, *names],
            f"pv validate, {len(files)} files": [*validate, str(folder)],
            f"pv validate, one file of {one.stat().st_size} bytes": [*validate, str(one)],
            "pv --help": [sys.executable, "-m", "pv", "--help"],
        }
        seen = measure(commands, arguments.rounds, environment)
        if arguments.files:
            replicate(files, folder, work / "corpus", arguments.files)
            large = {f"pv validate, {arguments.files} files": [*validate, "-qq", str(work / "corpus")]}
            seen |= measure(large, 1, environment)
        help_loads, clean_loads = loaded(["--help"], environment), loaded(["validate", str(folder)], environment)
    start, compose, whole, single, helped, *large_one = seen.values()
    ratio = whole.cpu_s / compose.cpu_s
    megabytes = sum(path.stat().st_size for path in files) / 1e6
    what = f"pv validate, {len(files)} files"
    sheet.add("files", f"{what}: how many", len(files))
    sheet.add("megabytes", f"{what}: how large", megabytes, "MB")
    # the bounds on many files are those of the corpus; a folder of another size has none
    corpus = len(files) == 98
    sheet.add(
        "corpus", what, whole.cpu_s, "s", against=("python -c pass", start.cpu_s), at_most=0.45 if corpus else None
    )
    peer = ("a start of Python that lets libyaml compose the same files", compose.cpu_s)
    sheet.add("compose", what, whole.cpu_s, "s", against=peer, at_most=1.3 if corpus else None, of_ratio=corpus)
    peer = ("python -c pass", start.wall_s)
    sheet.add("one", "pv validate, one file", single.wall_s, "s", against=peer, at_most=0.12)
    sheet.add("help", "pv --help", helped.wall_s, "s", against=peer, at_most=0.06)
    loads = f"of {', '.join(HEAVY)}: how many pv --help loads"
    sheet.add("help-loads", loads, len(help_loads), at_most=0, at_any_size=True)
    for taken in large_one:
        what = f"pv validate, {arguments.files:,} files"
        sheet.add("large", what, taken.wall_s, "s", at_most=25)
        sheet.add("large-memory", f"{what}: memory", taken.peak_mb, "MB", at_most=300)
    print(f"{len(files)} files, {megabytes:.2f} MB")
    print(f"{'':38s} {'wall ms':>8s} {'CPU ms':>8s} {'peak MB':>8s}")
    for key, taken in seen.items():
        print(f"{key:38s} {taken.wall_s * 1000:8.0f} {taken.cpu_s * 1000:8.0f} {taken.peak_mb:8.0f}")
    print(f"pv validate takes {ratio:.2f} times the CPU of a start of Python that composes the same files")
    print(f"of {', '.join(HEAVY)}, pv --help loads: {', '.join(help_loads) or 'none'}")
    print(f"and pv validate: {', '.join(clean_loads) or 'none'}")


if __name__ == "__main__":
    sys.exit(told(main))
