"""What a run has shown of each module, and how it is kept: `results.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("results.json")
ENOUGH = 0.9


@dataclass(frozen=True, order=True)
class Survivor:
    """A mutant that no test noticed: what stood in a function, what stands there instead, and at which line now."""

    file: str
    line: int
    function: str
    was: str
    now: str

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What the reason is kept under: lines move."""
        return (self.file, self.function, self.was, self.now)


@dataclass(frozen=True)
class Result:
    """One module: how many mutants, how many a test noticed, how many of these by never ending, and which lived."""

    module: str
    mutants: int
    killed: int
    timeouts: int
    date: str
    tool: str
    python: str
    digest: str
    survivors: tuple[Survivor, ...]

    @property
    def score(self) -> float:
        """The share of all mutants that was killed, whether or not they could be."""
        return self.killed / self.mutants


def score_without(result: Result, equivalent: int) -> float:
    """The share killed of those that could be: without so many that mean the same."""
    return result.killed / (result.mutants - equivalent)


def read() -> dict[str, Result]:
    """The kept results by module; none where nothing has been run."""
    kept: dict[str, Any] = json.loads(KEPT.read_text("utf-8")) if KEPT.is_file() else {}
    return {
        name: Result(**{**one, "survivors": tuple(Survivor(**each) for each in one["survivors"])})
        for name, one in kept.items()
    }


def write(results: dict[str, Result], order: tuple[str, ...]) -> None:
    """Keep these results, in the order of the modules."""
    known = {name: asdict(results[name]) for name in order if name in results}
    KEPT.write_text(json.dumps(known, indent=1, ensure_ascii=False) + "\n", "utf-8")
