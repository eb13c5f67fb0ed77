"""The order of candidates, and which criterion put each where it is.

The upstream program's order: valid, preferred name, newest, `.apr` before `.gguf`. Where these leave two candidates equal, the
folders' order and then the name decide, so that the order is total: the same files give the same answer in any run.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from apr.discovery.candidates import Candidate, Health, examined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# of the upstream program; parts of a file's name, in any case
_PREFERRED = ("qwen3-coder-30b-a3b", "qwen3-coder-next", "qwen2.5-coder-32b", "qwen2.5-coder-14b")
_FORMATS = ("apr", "gguf", "safetensors")


class Criterion(NamedTuple):
    """One step of the order.

    Attributes:
        name: of the criterion, as it is shown.
        rank: what is compared; the smaller comes first.
        tell: what this criterion sees in a candidate, in a few words.
    """

    name: str
    rank: Callable[[Candidate], Any]
    tell: Callable[[Candidate], str]


class Placed(NamedTuple):
    """A candidate in its place, and the first criterion that tells it from the one before it (for the first: behind it).

    `criterion` is None for a candidate that is alone.
    """

    candidate: Candidate
    criterion: Criterion | None
    why: str


def preferred_names() -> tuple[str, ...]:
    """Parts of names that are preferred, lower case: `APR_PREFERRED_MODELS`, separated by commas, or the upstream program's."""
    chosen = os.environ.get("APR_PREFERRED_MODELS")
    if chosen is None:
        return _PREFERRED
    return tuple(part.strip().lower() for part in chosen.split(",") if part.strip())


def is_preferred(candidate: Candidate) -> bool:
    """Whether a preferred part is in the candidate's name, in any case."""
    name = candidate.path.name.lower()
    return any(part in name for part in preferred_names())


def _health(candidate: Candidate) -> Health:
    if candidate.health is None:
        raise ValueError(f"{candidate.path} was not opened")
    return candidate.health


def _told_health(candidate: Candidate) -> str:
    return "valid" if _health(candidate) is Health.VALID else candidate.reason or "unusable"


def _told_time(candidate: Candidate) -> str:
    seconds, nanoseconds = divmod(candidate.mtime_ns, 10**9)
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(seconds))}.{nanoseconds:09d}"


CRITERIA = (
    Criterion("valid", _health, _told_health),
    Criterion(
        "preferred name",
        lambda found: not is_preferred(found),
        lambda found: "a preferred name" if is_preferred(found) else "no preferred name",
    ),
    Criterion("newest", lambda found: -found.mtime_ns, _told_time),
    Criterion("format", lambda found: _FORMATS.index(found.format), lambda found: found.format),
    Criterion("folder", lambda found: found.directory, lambda found: str(found.path.parent)),
    Criterion("name", lambda found: found.path.name, lambda found: found.path.name),
)


def in_order(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Candidates, all of them opened, the best first."""
    return sorted(candidates, key=lambda found: tuple(step.rank(found) for step in CRITERIA))


def deciding(first: Candidate, second: Candidate) -> Criterion | None:
    """The first criterion that tells two candidates apart; None for a candidate and itself."""
    return next((step for step in CRITERIA if step.rank(first) != step.rank(second)), None)


def best(candidates: Iterable[Candidate]) -> Candidate | None:
    """The first candidate in the order, or None where there is none.

    Opens one after the other in the order of all the other criteria and stops at the first valid one, so that a folder with
    thousands of models costs no more than the choice needs.
    """
    rest = sorted(candidates, key=lambda found: tuple(step.rank(found) for step in CRITERIA[1:]))
    opened = []
    for candidate in rest:
        opened.append(examined(candidate))
        if opened[-1].health is Health.VALID:
            return opened[-1]
    return next(iter(in_order(opened)), None)


def _neighbour(number: int) -> int:
    """Which place the candidate at a place is held against: the one before it; for the first, the one behind it."""
    return number - 1 if number else 1


def explain(ordered: list[Candidate]) -> list[Placed]:
    """Says for each candidate of an ordered list what put it where it is."""
    placed = []
    for number, candidate in enumerate(ordered):
        if len(ordered) == 1:
            placed.append(Placed(candidate, None, "there is no other"))
            continue
        other = ordered[_neighbour(number)]
        step = deciding(candidate, other)
        if step is None:
            raise ValueError(f"{candidate.path} is there twice")
        where = f"behind {number}" if number else "before 2"
        placed.append(
            Placed(candidate, step, f"{where} by {step.name}: {step.tell(candidate)} (there: {step.tell(other)})")
        )
    return placed
