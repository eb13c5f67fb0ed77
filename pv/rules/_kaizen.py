"""A kaizen record: an improvement with what was measured before and after. Some stand in files without `metadata`."""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.load import Document
    from pv.parse import Contract

KIND = "kaizen"
STATUSES = ("draft", "planned", "pending", "implementing", "implemented")
BLOCKS = ("contract", "title", "kaizen", "parent", "status", "date", "baseline", "target", "invariants")

# patterns are compiled when a record is first read: most projects have none
_QUANTITY = (
    r"(?:[<>]=?|[≤≥~≈])?\s*([-+]?(?:[0-9][0-9_]*(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?)\s*([^\s0-9](?:.*\S)?)?"
)
# A closed list: a looser one would read the date 2026-03-04 as the number 2026.
_UNITS = {
    "": ("", 1.0), "+": ("", 1.0), "%": ("%", 1.0), "x": ("x", 1.0), "tok/s": ("tok/s", 1.0), "tokens/s": ("tok/s", 1.0),
    "ns": ("s", 1e-9), "us": ("s", 1e-6), "µs": ("s", 1e-6), "ms": ("s", 1e-3), "s": ("s", 1.0), "min": ("s", 60.0),
    "B": ("B", 1.0), "kB": ("B", 1e3), "KB": ("B", 1e3), "MB": ("B", 1e6), "GB": ("B", 1e9), "TB": ("B", 1e12),
    "KiB": ("B", 2.0**10), "MiB": ("B", 2.0**20), "GiB": ("B", 2.0**30), "TiB": ("B", 2.0**40),
}  # fmt: skip
_LONGEST = 80  # characters of a quantity
# Parts of the names of what a kaizen exists to reduce. What only names work arranged otherwise (`batch_size`, `steps`) may rise.
_COSTS = r"(?<!pre)(?<!pre_)alloc|bytes|churn|launch|overhead|(?<!a)sync|wasted|_[um]s(?![a-z0-9])"


class Pair(NamedTuple):
    """What was measured before and what after, and where each stands in the file."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    before_at: tuple[str, ...]
    after_at: tuple[str, ...]

    @property
    def shared(self) -> list[str]:
        """The metrics that both sides have."""
        return [name for name in self.before if name in self.after]


class Metric(NamedTuple):
    """A metric that is a quantity on both sides; `path` leads to it below either of them."""

    path: tuple[str, ...]
    before: float
    after: float

    @property
    def name(self) -> str:
        """The name that messages show."""
        return ".".join(self.path)

    @property
    def is_cost(self) -> bool:
        """Whether less of it is what the record is about, by its name."""
        return re.search(_COSTS, self.path[-1].lower()) is not None


def is_kaizen(contract: Contract) -> bool:
    """Whether the contract is a kaizen record."""
    return contract.kind == KIND


def pair(document: Document) -> Pair | None:
    """The two sides: `baseline` and `target`, or `before` and `after` below `baseline`; None where one is no mapping."""
    baseline, target = document.data.get("baseline"), document.data.get("target")
    if not isinstance(baseline, dict):
        return None
    before, after = baseline.get("before"), baseline.get("after")
    if isinstance(before, dict) and isinstance(after, dict):
        return Pair(before, after, ("baseline", "before"), ("baseline", "after"))
    return Pair(baseline, target, ("baseline",), ("target",)) if isinstance(target, dict) else None


@functools.lru_cache(maxsize=4)
def metrics(document: Document) -> tuple[Metric, ...]:
    """Every metric of the record that is a quantity on both sides."""
    sides = pair(document)
    return tuple(_metrics(sides.before, sides.after, ())) if sides else ()


def quantity(value: Any) -> tuple[float, str] | None:
    """A value as a number and the unit it is written in (empty where none is); None if it is no quantity."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        try:
            return (float(value), "") if math.isfinite(value) else None
        except OverflowError:
            return None  # an integer beyond any that was measured
    found = re.fullmatch(_QUANTITY, value.strip()) if isinstance(value, str) and len(value) <= _LONGEST else None
    if found is None or (found[2] or "") not in _UNITS:
        return None
    number = float(found[1].replace("_", ""))
    return (number, found[2] or "") if math.isfinite(number) else None


def _metrics(before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[Metric]:
    for name, first in before.items():
        second = after.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            yield from _metrics(first, second, (*path, name))
            continue
        one, other = quantity(first), quantity(second)
        found = _in_one_unit(one, other) if one and other else None
        if found:
            yield Metric((*path, name), *found)


def _in_one_unit(one: tuple[float, str], other: tuple[float, str]) -> tuple[float, float] | None:
    """Both numbers in one unit; None where they count different things. A number without a unit counts in the other's."""
    if not one[1] or not other[1]:
        return one[0], other[0]
    (what, scale), (other_what, other_scale) = _UNITS[one[1]], _UNITS[other[1]]
    return (one[0] * scale, other[0] * other_scale) if what == other_what else None
