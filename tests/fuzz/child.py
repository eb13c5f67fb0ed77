"""The process that fuzzes one target: `python -m tests.fuzz.child TARGET …`, started by `run.py`.

It keeps the first input of each kind of finding, as `<sha8>.bin` and `<sha8>.json`, and goes on.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz import engines
from tests.fuzz.box import Box
from tests.fuzz.guard import SECONDS, Guard, limit_memory, name_of
from tests.fuzz.planted import plant
from tests.fuzz.target import load_target

if TYPE_CHECKING:
    from tests.fuzz.target import Target

_SMALL = 20_000  # bytes of a found case that others are made from


def arguments() -> argparse.Namespace:
    """What `run.py` asks for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plant")
    parser.add_argument("--first", action="store_true", help="end with the first finding")
    parser.add_argument("--corpus", type=Path, help="files to begin with beside the target's own")
    return parser.parse_args()


def prepare(asked: argparse.Namespace, scratch: Path) -> tuple[Target, list[bytes]]:
    """The target and the files to begin with, the planted bug in its place.

    Raises:
        SystemExit: a seed is refused, so that something else would be fuzzed.
    """
    watch = contextlib.nullcontext()
    if asked.engine == "atheris":
        import atheris

        watch = atheris.instrument_imports(include=["pv", "apr"], enable_loader_override=False)
    with watch:  # what is imported in here tells atheris which lines are reached
        target = load_target(asked.target)
        seeds = list(target.seeds())
        for data in seeds:
            if not target.check(data, scratch):
                raise SystemExit(f"{asked.target}: a seed is refused: {data[:80]!r}")
    if asked.plant:
        plant(asked.plant)
    if asked.corpus and asked.corpus.is_dir():
        seeds += [path.read_bytes() for path in sorted(asked.corpus.glob("*.bin")) if path.stat().st_size < _SMALL]
    return target, seeds


class Feeder:
    """Runs inputs, and keeps the first of each kind of finding."""

    def __init__(self, guard: Guard, folder: Path, *, first: bool) -> None:
        self._guard, self._folder, self._first = guard, folder, first
        self._box, self._seen = Box(folder / "box"), set[str]()

    def feed(self, data: bytes) -> None:
        """Runs one input."""
        self._box.begin(data)
        outcome = self._guard.run(data)
        if outcome.kind == "accepted":
            self._box.accept()
        elif not outcome.fine and outcome.signature not in self._seen:
            self._seen.add(outcome.signature)
            place = self._folder / name_of(data)
            place.with_suffix(".bin").write_bytes(data)
            place.with_suffix(".json").write_text(json.dumps(outcome._asdict()), "utf-8")
            if self._first:
                os._exit(0)  # libFuzzer would call any other end a crash


def main() -> None:
    """Fuzz until the time is over."""
    asked = arguments()
    scratch = asked.folder / "scratch"
    scratch.mkdir()
    target, seeds = prepare(asked, scratch)
    slack = 2 if asked.engine == "atheris" else 1  # watched lines are slower; `judge.py` has the last word
    feeder = Feeder(Guard(target, scratch, SECONDS * slack), asked.folder, first=asked.first)
    limit_memory()
    if asked.engine == "atheris":
        engines.by_atheris(target, seeds, feeder.feed, asked.seed, asked.seconds, asked.folder)
    else:
        engines.by_hypothesis(target, seeds, feeder.feed, asked.seed, asked.seconds)


if __name__ == "__main__":
    main()
