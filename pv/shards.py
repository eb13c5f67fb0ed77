"""How the cases of all claims are cut into shards that take about equally long, the same on every machine."""

from __future__ import annotations

import hashlib
import heapq
import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pv.ledger import Key, read
from pv.parse import canonical
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from pv.ledger import Ledger

_SHARD = re.compile(r"(\d{1,4})/(\d{1,4})", re.ASCII)
_MICROSECONDS = 1_000_000  # durations are whole numbers, so that sums do not depend on their order


@dataclass(frozen=True, slots=True)
class Shard:
    """The shard of this number, from 1, of `count`."""

    number: int
    count: int

    def __str__(self) -> str:
        """The shard as it is asked for: `2/5`."""
        return f"{self.number}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The shard that `text` names.

        Raises:
            ValueError: it names none.
        """
        found = _SHARD.fullmatch(text)
        if found is None or not 1 <= int(found[1]) <= int(found[2]):
            raise ValueError(f"{text!r} is no shard: write the second of five as 2/5")
        return cls(int(found[1]), int(found[2]))


def cut(seconds: Mapping[Key, float | None], count: int) -> dict[Key, int]:
    """The number of the shard, from 1, of each case; the longest first, each to the shard that has least.

    What takes an unknown time counts as the median of what is known. All cases of a claim go to one shard, so that its
    summary is whole; only of a claim that takes longer than a shard may, the mutants are spread. The longest shard takes at
    most 4/3 - 1/(3 count) of what the best cut of the same parts would (R. L. Graham, SIAM J. Appl. Math. 17, 1969).
    """
    weights = _weights(seconds)
    loads = [(0, number) for number in range(1, count + 1)]
    shards: dict[Key, int] = {}
    for part in sorted(parts(weights, count), key=lambda part: (-_weight(part, weights), part[0])):
        load, number = heapq.heappop(loads)
        heapq.heappush(loads, (load + _weight(part, weights), number))
        shards |= dict.fromkeys(part, number)
    return shards


def parts(weights: Mapping[Key, int], count: int) -> list[tuple[Key, ...]]:
    """The cases that stay together, each group in order."""
    claims: dict[tuple[str, str], list[Key]] = {}
    for key in sorted(weights):
        claims.setdefault(key[:2], []).append(key)
    total = sum(weights.values())
    found: list[tuple[Key, ...]] = []
    for keys in claims.values():
        if _weight(keys, weights) * count <= total:
            found.append(tuple(keys))
            continue
        plain = tuple(key for key in keys if not key[3])
        found += [plain] if plain else []
        found += [(key,) for key in keys if key[3]]
    return found


def plan(shards: Mapping[Key, int], count: int) -> str:
    """The name of a cut: the sha256 over all of it, 64 hex digits. Shards of one plan together hold each case once."""
    return hashlib.sha256(
        canonical([count, sorted([*key, number] for key, number in shards.items())]).encode()
    ).hexdigest()


def recorded(ledger: Ledger, keys: Iterable[Key], besides: Collection[str] = ()) -> dict[Key, float]:
    """How many seconds each case took in its newest row of a run that is not among `besides`."""
    found = {}
    for key in keys:
        rows = (entry.row for entry in ledger.newest(key))
        took = (row.get("duration_s") for row in rows if row["kind"] == "case" and row["run"] not in besides)
        newest = next((seconds for seconds in took if _is_duration(seconds)), None)
        if newest is not None:
            found[key] = float(newest)
    return found


def shards_of(ledger: Ledger, commit: str | None) -> set[str]:
    """The runs that were shards of this commit.

    Shards that run one after another write into one ledger, and the first must not change how the second is cut.
    """
    runs = (entry.row for entry in ledger.of_runs())
    return {row["run"] for row in runs if row["kind"] == "run" and row.get("shard") and row.get("commit") == commit}


def together(ledger: Ledger) -> dict[str, frozenset[str]]:
    """For each run that was a shard, the runs of all shards of its plan and commit, which make one run together."""
    plans: dict[tuple[object, object], set[str]] = {}
    for row in (entry.row for entry in ledger.of_runs()):
        if row["kind"] == "run" and row.get("shard"):
            plans.setdefault((row.get("plan"), row.get("commit")), set()).add(row["run"])
    return {run: frozenset(runs) for runs in plans.values() for run in runs}


def read_durations(path: Path) -> Ledger | dict[str, float]:
    """A file of durations: another ledger, or a JSON object from node ids to seconds.

    Raises:
        UsageProblem: it cannot be read, is neither, or names a node twice.
    """
    try:
        with path.open("rb") as file:
            head = file.read(9)
            text = b"" if head == b'{"prev":"' else head + file.read()
    except OSError as problem:
        raise UsageProblem(f"{path}: the durations cannot be read: {problem.strerror}") from None
    if head == b'{"prev":"':
        return read(path)
    try:
        told = json.loads(text, object_pairs_hook=_each_once)
    except _Twice as problem:
        raise UsageProblem(f"{path}: {str(problem)!r} stands there twice; leave one of its durations out") from None
    except (ValueError, RecursionError) as problem:
        raise UsageProblem(f"{path}: neither a ledger nor JSON: {problem}") from None
    if not isinstance(told, dict) or not all(map(_is_duration, told.values())):
        raise UsageProblem(f"{path}: durations are one JSON object, from node ids to seconds")
    return {node: float(seconds) for node, seconds in told.items()}


class _Twice(Exception):
    """A key that stands twice in one object."""


def _each_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in pairs:
        if key in found:
            raise _Twice(key)
        found[key] = value
    return found


def _weights(seconds: Mapping[Key, float | None]) -> dict[Key, int]:
    known = {key: max(1, round(took * _MICROSECONDS)) for key, took in seconds.items() if took is not None}
    usual = sorted(known.values())[(len(known) - 1) // 2] if known else 1
    return {key: known.get(key, usual) for key in seconds}


def _weight(part: Iterable[Key], weights: Mapping[Key, int]) -> int:
    return sum(weights[key] for key in part)


def _is_duration(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value < 1e9 and math.isfinite(value)
