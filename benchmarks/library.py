"""What the library of executable contracts takes: every claim on 1,000 examples and on its faults, with two workers.

python benchmarks/library.py [CONTRACT ...] [--workers 2] [--quick] [--json]

Contracts are those of `contracts/` that run as they stand: one of their equations has a domain that is a mapping. The session is one of
`pytest -m falsify -n 2`, from start to end, with a ledger that is thrown away.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from figures import Sheet, told

ROOT = Path(__file__).resolve().parents[1]
QUICK = ("softmax-v1", "silu-v1")


def executable() -> list[Path]:
    """The contracts that have an equation with a domain to draw from."""
    found = []
    for path in sorted((ROOT / "contracts").glob("*.yaml")):
        data = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
        equations = data.get("equations") or {}
        if any(isinstance(one, dict) and isinstance(one.get("domain"), dict) for one in equations.values()):
            found.append(path)
    return found


def session(contracts: list[Path], workers: int) -> tuple[float, str]:
    """Wall seconds of a session on these contracts, and what it printed.

    Raises:
        SystemExit: a claim came out otherwise than expected, or the session broke.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pytest", "-q", "-m", "falsify", "-n", str(workers), "-p", "no:cacheprovider"]
        command += ["--pv-ledger", f"{folder}/ledger.jsonl", *map(str, contracts)]
        start = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        taken = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(
            f"the session ended with exit code {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return taken, done.stdout


def main(sheet: Sheet) -> None:
    """Prints the seconds of the session, a claim, and how many claims and faults there were."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("contracts", nargs="*", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    chosen = [path.resolve() for path in arguments.contracts] or executable()
    if sheet.quick and not arguments.contracts:
        chosen = [path for path in chosen if path.stem in QUICK]
    taken, said = session(chosen, arguments.workers)
    counted = re.search(r"(\d+) claims?:", said)
    if counted is None:
        raise SystemExit(f"the session said nothing of claims:\n{said[-2000:]}")
    claims = int(counted[1])
    print(
        f"{len(chosen)} contracts, {claims} claims, {arguments.workers} workers: {taken:.1f} s, {1e3 * taken / claims:.0f} ms a claim"
    )
    what = f"the library of {len(chosen)} contracts, {claims} claims and their faults, 1,000 examples a claim"
    # what was asked for, for the twenty-odd contracts that were thought of then
    whole = not arguments.contracts
    sheet.add("wall", what, taken, "s", at_most=60 if whole else None)
    sheet.add("claim", "a claim of the library", 1e3 * taken / claims, "ms")


if __name__ == "__main__":
    sys.exit(told(main))
