"""Bounds that live in Python: raised since an older row of the same case, as the rows themselves tell.

A row says how far apart the worst place was, how far it may have been, and where. Rows of one case are comparable where they are
about the same models and engines and their worst places are of the same stage. Rows of the same code are never held against each
other: if their bounds differ, they are computed from what was seen. By as much as they differ, bounds of other code may differ as
well. Whatever is left is a bound that somebody raised.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pv.history.figures import number, shown
from pv.history.loosened import Kind, Loosening
from pv.history.transitions import NEVER, cap_until, transitions
from pv.judge import Word
from pv.remark import Remark, Topic

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pv.parse import Claim, Contract

    Row = Mapping[str, Any]

# Bounds computed from the same figures in another order of additions differ by far less, and nobody gains from raising one so little.
ROUNDING = 0.01
_JUDGED = frozenset({Word.DISCHARGED, Word.REFUTED})
# What a case was run on; all other inputs are code that decides.
_DATA = frozenset({"model", "data", "text", "fixture", "library", "contract"})


def bounds_raised(claim: Claim, rows: Iterable[Row]) -> list[tuple[Loosening, datetime]]:
    """Each older row that recorded a tighter bound than the newest, as what was and is, and when it was begun.

    `rows` are those of one case on the honest subject, the newest first: of the ledger, of the archive of promoted evidence, or
    of both.
    """
    judged = [row for row in rows if row.get("verdict") in _JUDGED and not row.get("mutant")]
    newest = judged[0] if judged else None
    if newest is None:
        return []
    older = [row for row in judged[1:] if _comparable(row, newest)]
    spread = max([1 + ROUNDING, *_spreads([newest, *older])])
    now = _bound(newest)
    return [
        (_raised(claim, was, now, row), _started(row))
        for row in older
        if _code(row) != _code(newest) and (was := _bound(row)) is not None and (now is None or not now <= was * spread)
    ]


def bound_remark(contract: Contract, claim: Claim, rows: Iterable[Row]) -> Remark | None:
    """What is to be said of a bound that was raised: gravely where no entry since the tighter row owns up to it."""
    # a bound that follows the claim's tolerance was raised with it, and one entry owns up to both
    kinds = (Kind.BOUND, Kind.TOLERANCE)
    owning = [one for one in transitions(contract) if any(one.names(f"{claim.id}: {kind}") for kind in kinds)]
    untils: list[datetime] = []
    recorded: Remark | None = None
    for loose, seen in bounds_raised(claim, rows):
        entry = min((one for one in owning if _covers(cap_until(one), seen)), key=cap_until, default=None)
        if entry is None:
            return Remark(
                Topic.LOOSENED,
                f"{loose.text}, and no entry says so",
                claim=claim.id,
                grave=True,
                caps=True,
                span=claim.span,
                help=f"`pv demote {contract.path} --reason …` writes the entry, with loosens: ['{loose.key}']",
            )
        untils.append(cap_until(entry))
        text = f"{loose.text}, as the entry of {entry.date} says; evidence made since lifts the cap"
        recorded = Remark(Topic.LOOSENED, text, claim=claim.id, caps=True, span=entry.span, until=max(untils))
    return recorded


def _covers(until: datetime, seen: datetime) -> bool:
    return seen <= until < NEVER


def _raised(claim: Claim, was: float, now: float | None, row: Row) -> Loosening:
    key = f"{claim.id}: {Kind.BOUND}"
    place = ", ".join(f"{name} {value}" for name, value in zip(("stage", "layer"), _place(row), strict=True) if value)
    where = f" at {place}" if place else ""
    text = f"{key} {shown(was)} -> {'none' if now is None else shown(now)}{where}, since the run of {_started(row):%Y-%m-%d}"
    return Loosening(key, text, claim.id, Kind.BOUND)


def _comparable(row: Row, newest: Row) -> bool:
    """Whether two rows are about the same; one that records no bound any more is of every place."""
    same_place = _bound(newest) is None or _place(row) == _place(newest)
    return _bound(row) is not None and same_place and _subject(row) == _subject(newest)


def _spreads(rows: Sequence[Row]) -> Iterator[float]:
    """By which factor the bounds of rows of the same code differ."""
    by_code: dict[Any, list[float]] = {}
    for row in rows:
        bound = _bound(row)
        if bound is not None and 0 < bound < math.inf:
            by_code.setdefault(_code(row), []).append(bound)
    return (max(bounds) / min(bounds) for bounds in by_code.values())


def _bound(row: Row) -> float | None:
    worst = row.get("worst")
    return number((worst if isinstance(worst, dict) else row).get("bound"))


def _place(row: Row) -> tuple[str, str]:
    """Stage and layer of a row's worst place, each "" where there is none."""
    worst = row.get("worst")
    where = (worst if isinstance(worst, dict) else row).get("where")
    named = where if isinstance(where, dict) else {}
    stage, layer = ("" if named.get(name) is None else str(named[name]) for name in ("stage", "layer"))
    return stage, layer


def _code(row: Row) -> tuple[Any, ...]:
    """What decided about a row: its claim, its falsifier and all code that it rests on."""
    falsifier = row.get("falsifier")
    own = falsifier.get("sha256") if isinstance(falsifier, dict) else None
    return row.get("fingerprint"), own, tuple(sorted(_inputs(row, data=False)))


def _subject(row: Row) -> tuple[Any, ...]:
    """What a row is about: the models and the engines, whatever their builds."""
    engines = row.get("engines")
    named = {
        (str(one.get("role")), str(one.get("name")))
        for one in (engines if isinstance(engines, list) else [])
        if isinstance(one, dict)
    }
    return tuple(sorted(_inputs(row, data=True))), tuple(sorted(named))


def _inputs(row: Row, *, data: bool) -> Iterator[str]:
    """The hashes of the models, or of the code."""
    inputs = row.get("inputs")
    for one in inputs if isinstance(inputs, list) else []:
        if isinstance(one, dict) and (one.get("kind") == "model" if data else one.get("kind") not in _DATA):
            yield str(one.get("sha256"))


def _started(row: Row) -> datetime:
    """When a row was begun; one that does not say so is as new as can be, so that no entry covers it."""
    try:
        started = datetime.fromisoformat(str(row.get("started")))
    except ValueError:
        return NEVER
    return started if started.tzinfo else started.replace(tzinfo=UTC)
