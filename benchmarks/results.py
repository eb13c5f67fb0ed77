"""What a run of benchmarks gives, as a file: one JSON object under `benchmarks/results/`, of which the newest is kept."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from figures import Figure, from_data

if TYPE_CHECKING:
    from collections.abc import Iterable

FOLDER = Path(__file__).resolve().parent / "results"
SCHEMA = "pv-benchmarks-v2"


class UnusableResults(Exception):
    """There are no results, or a file is not one of them."""


@dataclass(frozen=True)
class Ran:
    """What came of one benchmark, and of which code: those that are kept together may have been run on different days.

    Attributes:
        outcome: `measured`, or why it was not: `failed: …`, `timed out after 300 s`.
        seconds: of wall time that it took.
        date: in UTC, as `2026-01-02`.
        commit: of the checkout, 40 hex digits; empty where it was none.
        dirty: whether anything had been changed since that commit.
        load: how many processes wanted a core when the run began, of one minute.
    """

    name: str
    outcome: str
    seconds: float
    figures: tuple[Figure, ...] = ()
    not_measured: tuple[str, ...] = ()
    date: str = ""
    commit: str = ""
    dirty: bool = False
    load: float = 0.0

    @property
    def measured(self) -> bool:
        """Whether its figures are there."""
        return self.outcome == "measured"


@dataclass(frozen=True)
class Results:
    """What came of benchmarks on one machine with the same versions."""

    quick: bool
    machine: dict[str, Any]
    benchmarks: tuple[Ran, ...] = ()

    @property
    def dates(self) -> tuple[str, ...]:
        """The days on which they were run, the newest last."""
        return tuple(sorted({one.date for one in self.benchmarks}))

    @property
    def load(self) -> float:
        """The highest load under which one of them was begun."""
        return max((one.load for one in self.benchmarks), default=0.0)

    def figure(self, name: str) -> Figure:
        """The figure that documents call `benchmark.figure`.

        Raises:
            UnusableResults: there is none of this name.
        """
        benchmark, _, rest = name.partition(".")
        found = [one for ran in self.benchmarks if ran.name == benchmark for one in ran.figures if one.name == rest]
        if not found:
            raise UnusableResults(f"no benchmark gave a figure {name!r}; `python benchmarks/run.py --only {benchmark}`")
        return found[0]


def as_text(results: Results) -> str:
    """The JSON text of a file."""
    return json.dumps({"schema": SCHEMA, **asdict(results)}, indent=1) + "\n"


def from_text(text: str, name: str) -> Results:
    """The results that a file holds.

    Raises:
        UnusableResults: it holds none, or of another schema; `name` is where it stands.
    """
    try:
        data = json.loads(text)
        if data.pop("schema") != SCHEMA:
            raise UnusableResults(f"{name}: not results of the schema {SCHEMA}; run `make bench` again")
        benchmarks = tuple(_ran(one) for one in data.pop("benchmarks"))
        return Results(**data, benchmarks=benchmarks)
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UnusableResults(f"{name}: not results of benchmarks: {problem!r}; run `make bench` again") from None


def newest(folder: Path = FOLDER) -> tuple[Path, Results]:
    """The newest file of results, by the date that its name begins with, and what it holds.

    Raises:
        UnusableResults: there is none, or it cannot be read as one.
    """
    files = sorted(folder.glob("*.json"))
    if not files:
        raise UnusableResults(f"{folder}: no results; `make bench` makes them")
    return files[-1], from_text(files[-1].read_text(encoding="utf-8"), str(files[-1]))


def merged(old: Results, new: Results) -> Results:
    """New results of some benchmarks in the place of the old ones of the same names; the rest stays as it is, in its order.

    Raises:
        UnusableResults: they are not of the same machine and versions, so that they do not belong into one table.
    """
    if old.machine != new.machine or old.quick != new.quick:
        raise UnusableResults(
            "the results that are kept were made on another machine or other versions; run all of them"
        )
    by_name = {one.name: one for one in (*old.benchmarks, *new.benchmarks)}
    return Results(new.quick, new.machine, tuple(by_name.values()))


def _ran(data: dict[str, Any]) -> Ran:
    figures: Iterable[Figure] = (from_data(one) for one in data.pop("figures"))
    return Ran(**{**data, "figures": tuple(figures), "not_measured": tuple(data.pop("not_measured"))})
