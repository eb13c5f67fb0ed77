"""Writes runs into a ledger until it is killed: a program that tests start once and that forks a writer for each line it reads.

Each line of standard input is the path of a ledger and the name of a run (one hex digit or more); the process id of the writer is
the answer, and once the writer is dead, `dead`.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pv.ledger import append, sync

if TYPE_CHECKING:
    from collections.abc import Iterator

_SIZES = (10, 3_000, 150, 60_000, 500, 20_000)  # of messages: a line of many pages can be torn by a kill


def rows(name: str) -> Iterator[list[dict[str, Any]]]:
    """What the writer of the run `name` appends, call by call, without end."""
    run = name.rjust(32, "0")
    sources = {"commit": None, "dirty": None}
    about = {"started": "2026-01-02T03:04:05Z", "pv": "1", "python": "3", "arguments": []}
    yield [{"kind": "run", "run": run, **sources, **about}]
    for number in itertools.count():
        key = {"run": run, "contract": "c", "claim": f"F-{number}", "params": "{}", "mutant": ""}
        seen = {"level": "algorithm", "inputs": [], "fingerprint": "0" * 64, "verdict": "error", "compared": {}}
        message = f"{name}{number}" * (_SIZES[number % len(_SIZES)] // len(f"{name}{number}") + 1)
        yield [{"kind": "begin", **key, **seen}]
        yield [{"kind": "case", **key, **seen, "message": message}]


def _write(path: Path, name: str) -> None:
    for number, some in enumerate(rows(name)):
        append(path, some)
        if number % 50 == 49:
            sync(path)


def main() -> None:
    """Fork a writer for each line of standard input."""
    for line in sys.stdin:
        path, name = line.split()
        writer = os.fork()
        if not writer:
            _write(Path(path), name)
        _say(str(writer))
        os.waitpid(writer, 0)
        _say("dead")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
