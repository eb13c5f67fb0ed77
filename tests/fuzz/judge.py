"""What becomes of single files, in a process of its own and unwatched: `python -m tests.fuzz.judge TARGET FILE…`.

Prints one JSON object a file: `Outcome`'s fields. With `--smaller`, first looks for a smaller file that shows the same, and puts
it in the file's place.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fuzz.guard import Guard, Outcome, limit_memory
from tests.fuzz.target import load_target

if TYPE_CHECKING:
    from collections.abc import Callable


def smaller(data: bytes, shows: Callable[[bytes], bool], until: float) -> bytes:
    """A part of `data` that still shows the same: pieces left out, large ones first, as long as there is time.

    Args:
        data: what shows it.
        shows: whether other data does.
        until: when to stop, by `time.monotonic`.
    """
    size = len(data) // 2
    while size and time.monotonic() < until:
        at, dropped = 0, False
        while at < len(data) and time.monotonic() < until:
            without = data[:at] + data[at + size :]
            if shows(without):
                data, dropped = without, True
            else:
                at += size
        size = size if dropped and size < len(data) else size // 2
    return data


def _shrink(file: Path, guard: Guard, signature: str, seconds: float) -> Outcome:
    """Makes the file smaller as long as it shows the same."""
    shown = smaller(file.read_bytes(), lambda some: guard.run(some).signature == signature, time.monotonic() + seconds)
    file.write_bytes(shown)
    return guard.run(shown)


def main() -> None:
    """Judge the files that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--smaller", type=float, default=0.0, metavar="SECONDS")
    asked = parser.parse_args()
    target = load_target(asked.target)
    with tempfile.TemporaryDirectory() as folder:
        for data in target.seeds():  # what is imported when it is needed is not the input's doing
            target.check(data, Path(folder))
        guard = Guard(target, Path(folder))
        limit_memory()
        for file in asked.files:
            outcome = guard.run(file.read_bytes())
            if asked.smaller and not outcome.fine:
                outcome = _shrink(file, guard, outcome.signature, asked.smaller)
            print(json.dumps({"file": str(file), **outcome._asdict()}), flush=True)  # noqa: T201  a script that prints


if __name__ == "__main__":
    main()
