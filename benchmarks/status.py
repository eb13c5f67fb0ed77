"""What `pv status` takes on a large project, what keeping the ledger takes of a run, and what the plugin takes where it has no work.

python benchmarks/status.py [--contracts 2000] [--lines 500000] [--rounds 3] [--run CONTRACT ...] [--quick] [--json]

Everything is made in a temporary folder, 0.8 GB at full size. The project has 10 claims a contract, each with one mutant, so that
every claim is two cases; the ledger holds whole runs of all of them, of which the newest is fresh. `pv status` is a process of its own
each time, from its start to its end, on all, a half, a quarter and a sixteenth of the lines; a sixteenth is less than one run, so that
there are cases without rows. The cost of appending is taken from a session of
`pytest -m falsify` on contracts of this repository (--run), beside the ledger of all lines: the seconds that its calls took of its
wall time. The plugin is timed against the same session of pytest without it, in a folder that has no contracts.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures import Sheet, told
from pv.corpus import read
from pv.digest import sha256
from pv.ledger import append
from pv.ledger.line import environment_name

if TYPE_CHECKING:
    import resource
    from collections.abc import Iterator

    from pv.parse import Claim

REPOSITORY = Path(__file__).resolve().parents[1]
CLAIMS = 10
STARTS = 21  # of pytest with the plugin and without, in turn
HEAVY = ("numpy", "hypothesis", "yaml", "jsonschema")
CONTRACT = """\
metadata: {{version: "1.0.0", description: "a kernel, and what would refute it", references: [the paper]}}
equations: {{f: {{formula: "y = f(x)"}}}}
falsification_tests:
"""
CLAIM = """\
  - id: FALSIFY-{number:04d}-{claim:03d}
    rule: "the kernel is what its equation says, row {claim}"
    prediction: "y agrees with f(x) within the tolerance for every x of the sample"
    binds_to: f
    tolerance: 1.0e-6
    mutants: [{{id: off-by-one, stage: attn_norm, layer: 1}}]
    if_fails: "the scale is applied before the sum"
"""
TIMED = """
import atexit, json, os, time
import pv.pytest_plugin.log as log
spent = {"seconds": 0.0, "rows": 0}
def timed(inner):
    def call(path, *rows):
        start = time.perf_counter()
        try:
            return inner(path, *rows)
        finally:
            spent["seconds"] += time.perf_counter() - start
            spent["rows"] += len(rows[0]) if rows else 0
    return call
log.append, log.sync = timed(log.append), timed(log.sync)
def pytest_unconfigure():
    with open(os.environ["SPENT"], "w") as file:
        json.dump(spent, file)
"""


@dataclass(frozen=True)
class Status:
    """One size of ledger: lines and bytes, and what `pv status` took, the least of a few rounds."""

    lines: int
    megabytes: float
    wall_s: float
    cpu_s: float
    peak_mb: float


@dataclass(frozen=True)
class Appending:
    """A session of pytest: its wall time, and the seconds of it that went into the ledger."""

    rows: int
    session_s: float
    ledger_s: float

    @property
    def share(self) -> float:
        """The part of the session that went into the ledger."""
        return self.ledger_s / self.session_s


@dataclass(frozen=True)
class Start:
    """What the plugin adds to pytest where there are no contracts: medians in ms of wall time and of CPU, and what it loads."""

    without_ms: float
    adds_ms: float
    adds_cpu_ms: float
    loads: tuple[str, ...]


def make_project(root: Path, contracts: int) -> list[Claim]:
    """A project with this many contracts, and all their claims."""
    for name in ("contracts", "falsifiers"):
        (root / name).mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.pv]\n")
    (root / "falsifiers" / "f.py").write_text("from pv import falsifies\n")
    claims: list[Claim] = []
    for number in range(contracts):
        path = root / "contracts" / f"kernel-{number:04d}-v1.yaml"
        text = [CLAIM.format(number=number, claim=claim) for claim in range(CLAIMS)]
        path.write_text(CONTRACT.format() + "".join(text))
        contract = read(path, f"contracts/{path.name}").contract
        if contract is None:
            raise SystemExit(f"{path} cannot be used")
        claims += contract.claims
    return claims


def rows_of(root: Path, claims: list[Claim]) -> Iterator[dict[str, Any]]:
    """The rows of runs of all claims, one run after the other, without end."""
    folder = root / "falsifiers"
    data = {"python": sys.version.split()[0], "platform": sys.platform, "numpy": "2.0", "cpus": os.cpu_count()}
    where = environment_name(data)
    rests = {
        "inputs": [
            {"kind": "falsifiers", "path": "falsifiers", "sha256": sha256(folder)},
            {"kind": "data", "path": "pyproject.toml", "sha256": sha256(root / "pyproject.toml")},
        ],
        "commit": "a" * 40,
        "dirty": False,
    }
    falsifier = {"path": "falsifiers/f.py", "line": 1, "qualname": "f", "sha256": sha256(folder / "f.py")}
    for number in itertools.count(1):
        run = {"run": f"{number:032x}"}
        started = {"started": "2026-01-02T03:04:05.678901+00:00"}
        began: dict[str, Any] = {
            **started,
            "commit": "a" * 40,
            "dirty": False,
            "pv": "0.1.0",
            "python": data["python"],
            "arguments": [],
        }
        yield {"kind": "run", **run, **began}
        yield {"kind": "environment", **run, "environment": where, "data": data}
        for claim, mutant in itertools.product(claims, ("", "off-by-one")):
            found = {"stage": "attn_norm", "layer": 1, "position": 7} if mutant else {}
            key = {"contract": claim.contract, "claim": claim.id, "params": "{}", "mutant": mutant}
            about: dict[str, Any] = {
                **run,
                **key,
                "fingerprint": claim.fingerprint,
                "label": f"mutant-{mutant}" if mutant else "",
            }
            about |= {"node": f"{claim.path}::{claim.id}", "expect": "discharged", **rests}
            if mutant:
                about["expected"] = {"refuted": True, "stage": "attn_norm", "layer": 1}
            broken = {"verdict": "error", "ok": False, "message": "began and did not end", "level": "algorithm"}
            yield {"kind": "begin", **about, **broken, "compared": {}, "falsifier": None}
            yield {
                "kind": "case",
                **about,
                "verdict": "killed" if mutant else "discharged",
                "ok": True,
                "refuted": bool(mutant),
                "reason": "",
                "message": "refuted: off by one" if mutant else "",
                "where": found,
                "distance": 0.75 if mutant else None,
                "bound": 1e-6 if mutant else None,
                "level": "algorithm",
                "compared": {"values": 4096},
                "skipped": [],
                "engines": [{"role": "subject", "name": "apr", "build": "0.1.0", "producer": "pv-falsify"}],
                "worst": {"distance": 3.5e-7, "bound": 1e-6, "where": {"stage": "attn_norm", "layer": 1}},
                "reported": {"cosine": 0.99999},
                "counterexample": None,
                "falsifier": falsifier,
                "seed": None,
                "examples": None,
                "environment": where,
                **started,
                "duration_s": 0.012345,
            }


def write_ledger(path: Path, root: Path, claims: list[Claim], lines: int) -> None:
    """A ledger of exactly this many lines."""
    rows = itertools.islice(rows_of(root, claims), lines)
    while some := list(itertools.islice(rows, 2000)):
        append(path, some)


def copy_lines(ledger: Path, to: Path, lines: int) -> None:
    """The first lines of a ledger, which are a ledger as well."""
    with ledger.open("rb") as source, to.open("wb") as target:
        target.writelines(itertools.islice(source, lines))


def run_once(
    command: list[str], folder: Path, environment: dict[str, str], codes: tuple[int, ...] = (0,)
) -> tuple[float, resource.struct_rusage]:
    """Run a program to its end: its wall time in seconds, and what it used."""
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
    _, code, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(code)
    if process.returncode not in codes:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
    return time.perf_counter() - start, usage


def time_status(root: Path, ledger: Path, lines: int, rounds: int) -> Status:
    """Run `pv status` a few times; each is a process of its own."""
    command = [sys.executable, "-m", "pv", "status", "--format", "json", "--ledger", str(ledger)]
    seen = []
    for _ in range(rounds):
        wall, usage = run_once(command, root, dict(os.environ), codes=(0, 1))
        seen.append((wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000))
    wall, cpu, peak = (min(column) for column in zip(*seen, strict=True))
    return Status(lines, ledger.stat().st_size / 1e6, wall, cpu, peak)


def time_appending(folder: Path, ledger: Path, contracts: list[str]) -> Appending:
    """Run these contracts of the repository with a ledger that is as large as it gets."""
    (folder / "pv_timed.py").write_text(TIMED)
    spent = folder / "spent.json"
    environment = {**os.environ, "SPENT": str(spent), "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-m", "falsify", "-p", "pv_timed", "-p", "no:cacheprovider"]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--pv-ledger", str(ledger), *contracts],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    wall = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise SystemExit(done.stdout + done.stderr)
    told = json.loads(spent.read_text())
    return Appending(told["rows"], wall, told["seconds"])


def time_start(folder: Path) -> Start:
    """Run pytest on one test in a folder without contracts, with the plugin and without, in turn."""
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\n")
    (folder / "test_it.py").write_text("def test_it(): pass\n")
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    wall: dict[bool, list[float]] = {True: [], False: []}
    cpu: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * STARTS):
        plugin = number % 2 == 0
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-p", "pv.pytest_plugin"] if plugin else []
        seconds, usage = run_once(command, folder, environment)
        wall[plugin].append(seconds * 1000)
        cpu[plugin].append((usage.ru_utime + usage.ru_stime) * 1000)
    code = (
        f"import sys, pytest; pytest.main(['-q', '-p', 'pv.pytest_plugin']); print(*(set({HEAVY}) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    more, more_cpu = (
        statistics.median(a - b for a, b in zip(taken[True], taken[False], strict=True)) for taken in (wall, cpu)
    )
    return Start(statistics.median(wall[False]), more, more_cpu, tuple(done.stdout.splitlines()[-1].split()))


def enter(sheet: Sheet, contracts: int, seen: list[Status], appending: Appending, start: Start) -> None:
    """The figures, with the bounds that were asked for."""
    largest, half = seen[-1], seen[-2]
    what = f"pv status, {contracts} contracts, {contracts * CLAIMS} claims, {largest.lines} lines"
    peer = (f"{half.lines} lines", half.wall_s)
    sheet.add("wall", what, largest.wall_s, "s", against=peer, at_most=8)
    # linear: twice the lines take no more than twice as long
    sheet.add("cpu", what, largest.cpu_s, "s", against=(peer[0], half.cpu_s), at_most=2, of_ratio=True)
    sheet.add("memory", f"{what}: memory", largest.peak_mb, "MB", at_most=500)
    share = 100 * appending.share
    sheet.add("append", "part of a session that goes into the ledger", share, "%", at_most=1)
    sheet.add("plugin", "what the plugin adds to pytest without contracts", start.adds_ms, "ms", at_most=20)
    loads = f"of {', '.join(HEAVY)}: how many it loads there"
    sheet.add("plugin-loads", loads, len(start.loads), at_most=0, at_any_size=True)


def main(sheet: Sheet) -> None:
    """Print the figures as a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--contracts", type=int, default=100 if sheet.quick else 2000)
    parser.add_argument("--lines", type=int, default=16_000 if sheet.quick else 500_000)
    parser.add_argument("--run", nargs="+", default=["contracts/tensor-names-v1.yaml", "contracts/moe-router-v1.yaml"])
    parser.add_argument("--rounds", type=int, default=1 if sheet.quick else 3, help="the least of so many counts")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "project"
        claims = make_project(root, arguments.contracts)
        sizes = [arguments.lines // part for part in (16, 4, 2, 1)]
        ledgers = [folder / f"{lines}.jsonl" for lines in sizes]
        write_ledger(ledgers[-1], root, claims, arguments.lines)
        for ledger, lines in zip(ledgers[:-1], sizes, strict=False):
            copy_lines(ledgers[-1], ledger, lines)
        seen = [
            time_status(root, ledger, lines, arguments.rounds) for ledger, lines in zip(ledgers, sizes, strict=True)
        ]
        appending = time_appending(folder, ledgers[-1], arguments.run)
        start = time_start(folder / "other")
    enter(sheet, arguments.contracts, seen, appending, start)
    print(f"pv status of {arguments.contracts} contracts with {len(claims)} claims, {2 * len(claims)} cases")
    print(f"{'lines':>8s} {'MB':>6s} {'wall s':>7s} {'CPU s':>7s} {'peak MB':>8s}")
    for one in seen:
        print(f"{one.lines:8d} {one.megabytes:6.0f} {one.wall_s:7.2f} {one.cpu_s:7.2f} {one.peak_mb:8.0f}")
    steps = [(b.cpu_s - a.cpu_s) / (b.lines - a.lines) * 1e6 for a, b in itertools.pairwise(seen)]
    print("CPU a further line: " + ", then ".join(f"{step:.1f} µs" for step in steps))
    print(
        f"appending {appending.rows} rows: {appending.ledger_s * 1000:.1f} ms of a session of {appending.session_s:.2f} s "
        f"({appending.share:.2%}), the first after {ledgers[-1].name}"
    )
    print(
        f"the plugin adds {start.adds_ms:.1f} ms, {start.adds_cpu_ms:.1f} ms of CPU, to pytest without contracts "
        f"({start.without_ms:.0f} ms)"
    )
    print(f"and loads of {', '.join(HEAVY)}: {', '.join(start.loads) or 'none'}")


if __name__ == "__main__":
    sys.exit(told(main))
