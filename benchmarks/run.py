"""Every benchmark, each in a process of its own, and what came of them as a table and as JSON.

python benchmarks/run.py [--only NAME ...] [--quick] [--json] [--into DOCUMENT ...] [--check DOCUMENT ...] [--list]

Results are written to `benchmarks/results/<date>-<machine>.json` in the place of older ones; with --only the figures of the benchmarks
named replace those that are kept. --into writes figures into documents, --check says whether they stand there as results
have them; alone with --fill both measure nothing. A quick run tries every benchmark on small sizes and keeps nothing. Exits with 1 where
a figure that was asked for does not hold, a benchmark failed or a document differs, with 2 where it cannot run.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from catalogue import CATALOGUE, Benchmark
from figures import from_data
from into import filled
from machine import commit, machine, machine_class, today
from results import FOLDER, Ran, Results, UnusableResults, as_text, merged, newest
from table import show

HERE = Path(__file__).resolve().parent
_TAIL = 3  # lines of what a benchmark said last, where it failed


def run(one: Benchmark, *, quick: bool, folder: Path = HERE) -> Ran:
    """One benchmark, in a process of its own; what it says of itself goes to a file that is thrown away, but for its end."""
    arguments = [*(one.quick or ()), "--quick"] if quick else list(one.arguments)
    # one BLAS thread, as llama.cpp is given one
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, str(folder / f"{one.name}.py"), *arguments, "--json"]
    start = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        child = subprocess.Popen(
            command,
            cwd=HERE.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=said,
            text=True,
            start_new_session=True,
        )
        try:
            output, _ = child.communicate(timeout=one.seconds)
        except subprocess.TimeoutExpired:
            _end(child)
            return Ran(one.name, f"timed out after {one.seconds} s", time.perf_counter() - start)
        except BaseException:
            _end(child)
            raise
        took = time.perf_counter() - start
        said.seek(0)
        last = " / ".join(line.strip() for line in said.read().splitlines()[-_TAIL:] if line.strip())
    return _came_of(one, child.returncode, output, last, took)


def _came_of(one: Benchmark, code: int, output: str, last: str, took: float) -> Ran:
    if code not in (0, 1):
        return Ran(one.name, f"failed with exit code {code}: {last}", took)
    try:
        data = json.loads(output)
        figures = tuple(from_data(each) for each in data["figures"])
    except (ValueError, KeyError, TypeError):
        return Ran(one.name, f"failed: it ended with exit code {code} and gave no figures: {last}", took)
    left_out = tuple(data["not_measured"])
    if code == 1 and all(each.holds is not False for each in figures):
        return Ran(one.name, f"failed: it found something that no figure says: {last}", took, figures, left_out)
    return Ran(one.name, "measured", took, figures, left_out)


def _end(child: subprocess.Popen[str]) -> None:
    """End a benchmark and whatever it started: it leads a session of its own."""
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


def measure(chosen: list[Benchmark], *, quick: bool) -> Results:
    """Run some benchmarks, one after the other, with a line of progress for each."""
    ran: list[Ran] = []
    load = round(os.getloadavg()[0], 1)
    head, dirty = commit()
    begun = today()
    for number, one in enumerate(chosen, 1):
        print(f"[{number}/{len(chosen)}] {one.name}: {one.about} …", file=sys.stderr, flush=True)
        ran.append(replace(run(one, quick=quick), date=begun, commit=head, dirty=dirty, load=load))
        missed = sum(each.holds is False for each in ran[-1].figures)
        what = f", {missed} of its bounds not kept" if missed else ""
        print(f"    {ran[-1].outcome}, {ran[-1].seconds:.1f} s{what}", file=sys.stderr, flush=True)
    return Results(quick, machine(), tuple(ran))


def keep(results: Results, folder: Path, *, some: bool) -> Results:
    """Write the results in the place of older ones; those of some benchmarks alone join the others that are kept.

    Raises:
        UnusableResults: those that are kept are of another machine, or cannot be read.
    """
    older = sorted(folder.glob("*.json"))
    if some and older:
        results = merged(newest(folder)[1], results)
    folder.mkdir(exist_ok=True)
    path = folder / f"{results.dates[-1]}-{machine_class()}.json"
    fresh = path.with_suffix(".new")
    fresh.write_text(as_text(results), encoding="utf-8")
    fresh.replace(path)
    for one in older:
        if one != path:
            one.unlink()
    return results


def write(documents: list[Path], results: Results, *, check: bool) -> list[str]:
    """Write figures into documents, or say which of them differ from what would be written.

    Raises:
        UnusableResults: a document quotes a figure that there is not; none is written then.
    """
    texts = [(path, path.read_text(encoding="utf-8")) for path in documents]
    wanted = [(path, text, filled(text, results, str(path))) for path, text in texts]
    different = [(path, new) for path, old, new in wanted if old != new]
    if check:
        return [f"{path}: its figures are not those of the results; --into {path} writes them" for path, _ in different]
    for path, new in different:
        path.write_text(new, encoding="utf-8")
    return []


def main(argv: list[str] | None = None) -> int:
    """Measure, print, write."""
    arguments = _parser().parse_args(argv)
    if arguments.list:
        for one in CATALOGUE:
            print(f"{one.name:16} {one.about}")
        return 0
    try:
        return _do(arguments)
    except UnusableResults as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    except OSError as problem:
        print(f"error: {problem.filename or HERE}: {problem.strerror}", file=sys.stderr)
        return 2


def _do(arguments: argparse.Namespace) -> int:
    if arguments.quick and (arguments.into or arguments.check):
        raise UnusableResults("figures of a quick run belong into no document; leave --quick out, or use --fill")
    if arguments.fill:
        results = newest(FOLDER)[1]
    else:
        chosen = [one for one in CATALOGUE if not arguments.only or one.name in arguments.only]
        results = measure(chosen, quick=arguments.quick)
        if not arguments.quick:
            results = keep(results, FOLDER, some=bool(arguments.only))
        if arguments.json:
            print(as_text(results), end="")
        else:
            show(results)
    write(arguments.into, results, check=False)
    differs = write(arguments.check, results, check=True)
    for line in differs:
        print(line)
    if arguments.fill:
        return int(bool(differs))
    missed = any(not ran.measured or any(one.holds is False for one in ran.figures) for ran in results.benchmarks)
    return int(missed or bool(differs))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [one.name for one in CATALOGUE]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="small sizes; nothing is kept")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument(
        "--into", nargs="+", type=Path, default=[], metavar="DOCUMENT", help="write figures into documents"
    )
    parser.add_argument(
        "--check", nargs="+", type=Path, default=[], metavar="DOCUMENT", help="1 where a document differs"
    )
    parser.add_argument("--fill", action="store_true", help="measure nothing: take the results that are kept")
    parser.add_argument("--list", action="store_true", help="which benchmarks there are")
    return parser


if __name__ == "__main__":
    sys.exit(main())
