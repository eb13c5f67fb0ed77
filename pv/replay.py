"""A row of the ledger and the row of the same case run again: what is the same, what is not, and what it may come from."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What a run says; it has to say the same again.
COMPARED = (
    *("verdict", "reason", "message", "refuted", "level", "compared", "skipped", "worst", "where", "distance", "bound"),
    *("counterexample", "engines", "reported"),
)
# What says when, where and how long; it explains a difference and is none.
BESIDE = ("duration_s", "started", "run", "commit", "dirty")

_ABSENT = object()
# pytest numbers its folders for temporary files anew in each session
_TEMPORARY = re.compile(r"[^\s'\"]*pytest-of-[^/\\\s]+[/\\]pytest-\d+[/\\](popen-gw\d+[/\\])?")


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a run said then, and what it says now."""

    field: str
    then: Any
    now: Any


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs between two rows of one case.

    Attributes:
        inputs: files, code and the claim itself, which are not what they were; whatever else differs may come from these.
        said: of what the run says, `COMPARED`.
        beside: time, place and machine.
    """

    inputs: tuple[Difference, ...]
    said: tuple[Difference, ...]
    beside: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether it came out the same, from the same."""
        return not self.inputs and not self.said


def compare(
    then: Mapping[str, Any],
    now: Mapping[str, Any],
    machine_then: Mapping[str, Any] | None = None,
    machine_now: Mapping[str, Any] | None = None,
) -> Comparison:
    """Two rows of one case, and the environments that they were run in."""
    places = [
        Difference(name, then.get(name), now.get(name)) for name in BESIDE if not _equal(then.get(name), now.get(name))
    ]
    machines = _members("environment", machine_then or {}, machine_now or {})
    return Comparison(
        tuple(_inputs(then, now)),
        tuple(one for name in COMPARED for one in _parts(name, then.get(name), now.get(name))),
        (*places, *machines),
    )


def _parts(name: str, then: Any, now: Any) -> Iterator[Difference]:
    """What differs in a field; of one with named parts, the parts that do."""
    if isinstance(then, dict) and isinstance(now, dict):
        yield from _members(name, then, now)
    elif not _equal(then, now):
        yield Difference(name, then, now)


def _members(name: str, then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    for key in dict.fromkeys((*then, *now)):
        a, b = then.get(key, _ABSENT), now.get(key, _ABSENT)
        if a is _ABSENT or b is _ABSENT or not _equal(a, b):
            yield Difference(f"{name}.{key}", None if a is _ABSENT else a, None if b is _ABSENT else b)


def _inputs(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    if then.get("fingerprint") != now.get("fingerprint"):
        yield Difference("the claim", then.get("fingerprint"), now.get("fingerprint"))
    before, after = _digests(then), _digests(now)
    for name in dict.fromkeys((*before, *after)):
        if before.get(name) != after.get(name):
            yield Difference(name, before.get(name), after.get(name))


def _digests(row: Mapping[str, Any]) -> dict[str, str]:
    """Every file that a row rests on, by kind and path."""
    falsifier = row.get("falsifier")
    entries = [*([{"kind": "falsifier", **falsifier}] if isinstance(falsifier, dict) else []), *row.get("inputs", ())]
    return {_settled(f"{one['kind']} {one['path']}"): one["sha256"] for one in entries}


def _equal(then: Any, now: Any) -> bool:
    return bool(_settled(json.dumps(then, sort_keys=True)) == _settled(json.dumps(now, sort_keys=True)))


def _settled(text: str) -> str:
    return _TEMPORARY.sub("<temporary>/", text)
