"""`make fuzz`: every parser in a process of its own, for ten minutes each; what is found is made small, kept, and told.

`python -m tests.fuzz.run --only gguf,ledger --seconds 60 --jobs 2`. Ends with 1 if something was found, with 2 if it was asked
for something that there is not, else with 0.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from tests.fuzz.campaign import Campaign, Report
from tests.fuzz.engines import has_atheris
from tests.fuzz.planted import PLANTED
from tests.fuzz.target import names


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="tests.fuzz.run", description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=600.0, help="for each parser (default: 600)")
    parser.add_argument("--only", default="", help="names of parsers, or of planted bugs, with commas between them")
    parser.add_argument("--jobs", type=int, default=1, help="parsers at a time (default: 1)")
    parser.add_argument("--engine", choices=("atheris", "hypothesis"), help="default: atheris where it is installed")
    parser.add_argument("--seed", type=int, default=1, help="another number, other inputs")
    parser.add_argument("--plant", action="store_true", help="fuzz parsers with a bug planted, until it is found")
    parser.add_argument(
        "--keep", action=argparse.BooleanOptionalAction, default=True, help="keep what is found (default)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a parser")
    parser.add_argument("--list", action="store_true", help="list the parsers, and the bugs that can be planted")
    asked = parser.parse_args()
    if not (asked.seconds > 0 and asked.jobs > 0):
        parser.error("--seconds and --jobs are numbers above 0")
    return asked


def main() -> int:
    """Fuzz what the command line asks for."""
    asked = arguments()
    if asked.list:
        _say("\n".join([*names(), *(f"{name}: {bug.what}" for name, bug in PLANTED.items())]))
        return 0
    known = list(PLANTED) if asked.plant else names()
    chosen = [name for name in asked.only.split(",") if name] or known
    if unknown := [name for name in chosen if name not in known]:
        _tell(f"there is no {unknown[0]!r}; there are {', '.join(known)}")
        return 2
    engine = asked.engine or ("atheris" if has_atheris() else "hypothesis")
    if engine == "atheris" and not has_atheris():
        _tell("atheris is not installed; install the extra `fuzz`, or take --engine hypothesis")
        return 2
    if not asked.engine and engine == "hypothesis":
        _tell(
            "atheris is not installed (extra `fuzz`): Hypothesis draws the inputs, without looking which lines they reach"
        )
    lock, reports = Lock(), list[Report]()

    def one(name: str) -> None:
        report = Campaign(name, engine, asked.seconds, asked.seed, plant=asked.plant, keep=asked.keep).run(_progress)
        with lock:
            reports.append(report)
            _say(json.dumps(report.as_data()) if asked.json else report.as_line())

    if not asked.json:
        _say(Report.heading())
    with ThreadPoolExecutor(asked.jobs) as pool:
        list(pool.map(one, chosen))
    if asked.plant:
        return int(any(not report.findings for report in reports))
    return int(any(report.findings for report in reports))


def _progress(text: str) -> None:
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[K{text}")
        sys.stderr.flush()


def _say(text: str) -> None:
    _progress("")
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _tell(text: str) -> None:
    sys.stderr.write(f"tests.fuzz.run: {text}\n")


if __name__ == "__main__":
    sys.exit(main())
