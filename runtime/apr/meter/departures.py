"""What was not paired, said as drifts: which of them belong together, and what each of them is.

Between two pairs of the alignment a gap holds actions of either side. In it they are taken together in this order, each time first
come, first served: the same call with another result; the same tool, hook event or skill; the same kind; anything for anything.
What is left is missing or extra; and over the whole trace, what is missing here and extra there is one action at the wrong place.
"""

from __future__ import annotations

import json
from collections import defaultdict, deque
from typing import TYPE_CHECKING, NamedTuple

from apr.meter.drift import Category, Drift

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from apr.meter.actions import Action
    from apr.meter.align import Alignment

_SAME_LABEL = {
    "tool": Category.MISMATCHED_TOOL_INPUT,
    "hook": Category.MISMATCHED_HOOK_EVENT,
    "skill": Category.MISMATCHED_SKILL_INVOCATION,
}
_MISSING = {
    "tool": Category.MISSING_TOOL_CALL,
    "hook": Category.MISSING_HOOK_EVENT,
    "skill": Category.MISSING_SKILL_INVOCATION,
}
_EXTRA = {
    "tool": Category.EXTRA_TOOL_CALL,
    "hook": Category.EXTRA_HOOK_EVENT,
    "skill": Category.EXTRA_SKILL_INVOCATION,
}

_ABSENT = object()
_WIDTH = 60  # of a field's value in a line of detail
# fields of a hook's or a skill's record that are not compared
_OF_RECORDS = frozenset({"v", "kind", "turn"})


class _Pass(NamedTuple):
    """One way in which two actions of a gap belong together.

    Attributes:
        mark: actions with equal marks do.
        categories: the teacher's kind -> what they are then.
    """

    mark: Callable[[Action], Hashable]
    categories: Mapping[str, Category]


_PASSES = (
    # a hook or a skill has no result: with the same call it would have been paired
    _Pass(lambda action: action.call, _SAME_LABEL | {"tool": Category.MISMATCHED_TOOL_RESULT}),
    _Pass(lambda action: (action.kind, action.label), _SAME_LABEL),
    _Pass(lambda action: action.kind, _SAME_LABEL | {"tool": Category.MISMATCHED_TOOL_NAME}),
    _Pass(lambda _: None, dict.fromkeys(_SAME_LABEL, Category.MISMATCHED_ACTION_KIND)),
)


class _Placed(NamedTuple):
    """A drift with its place in the report: by the teacher's position; extras behind what their gap has of the teacher."""

    order: tuple[int, int]
    drift: Drift


def drifts_of(teacher: Sequence[Action], student: Sequence[Action], alignment: Alignment) -> list[Drift]:
    """All departures in the actions, in the teacher's order.

    Args:
        teacher: what the one side did.
        student: what the other did.
        alignment: of their keys.

    Returns:
        Nothing exactly where every action of either side is paired.
    """
    found: list[_Placed] = []
    missing: list[int] = []
    # position, and the teacher's position at which its gap ends
    extra: list[tuple[int, int]] = []
    for top, bottom, left, right in alignment.gaps(len(teacher), len(student)):
        here, there = list(range(top, bottom)), list(range(left, right))
        for way in _PASSES:
            if not here or not there:
                break
            for one, other in _taken_together(teacher, student, here, there, way):
                found.append(_placed(way.categories[teacher[one].kind], teacher, student, one, other))
        missing += here
        extra += [(place, bottom) for place in there]
    found += _skewed(teacher, student, missing, extra)
    found += [_placed(_MISSING[teacher[at].kind], teacher, student, at, None) for at in missing]
    found += [_placed(_EXTRA[student[at].kind], teacher, student, None, at, end) for at, end in extra]
    return [placed.drift for placed in sorted(found, key=lambda placed: placed.order)]


def _taken_together(
    teacher: Sequence[Action], student: Sequence[Action], here: list[int], there: list[int], way: _Pass
) -> Iterator[tuple[int, int]]:
    """Pairs of one pass; what is paired leaves the two lists."""
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for place in there:
        waiting[way.mark(student[place])].append(place)
    pairs = []
    for at in here:
        mark = way.mark(teacher[at])
        if waiting.get(mark):
            pairs.append((at, waiting[mark].popleft()))
    gone, taken = {at for at, _ in pairs}, {place for _, place in pairs}
    here[:] = [at for at in here if at not in gone]
    there[:] = [place for place in there if place not in taken]
    return iter(pairs)


def _skewed(
    teacher: Sequence[Action], student: Sequence[Action], missing: list[int], extra: list[tuple[int, int]]
) -> list[_Placed]:
    """What is missing here and extra there; both leave the two lists."""
    waiting: dict[Hashable, deque[int]] = defaultdict(deque)
    for place, _ in extra:
        waiting[student[place].key].append(place)
    pairs = [(at, waiting[teacher[at].key].popleft()) for at in missing if waiting.get(teacher[at].key)]
    gone, taken = {at for at, _ in pairs}, {place for _, place in pairs}
    missing[:] = [at for at in missing if at not in gone]
    extra[:] = [(place, end) for place, end in extra if place not in taken]
    return [_placed(Category.TURN_ORDER_SKEW, teacher, student, at, place) for at, place in pairs]


def _placed(
    category: Category,
    teacher: Sequence[Action],
    student: Sequence[Action],
    at: int | None,
    place: int | None,
    end: int = 0,
) -> _Placed:
    one = teacher[at] if at is not None else None
    other = student[place] if place is not None else None
    drift = Drift(
        category,
        at,
        place,
        one.label if one is not None else other.label if other is not None else "",
        _detail(one, other),
        (one.line if one is not None else None, other.line if other is not None else None),
    )
    # the teacher's action that ends a gap is paired, so that nothing but extras stands at its place
    return _Placed((at, 0) if at is not None else (end, place or 0), drift)


def _detail(one: Action | None, other: Action | None) -> str:
    if one is None or other is None:
        alone = one or other
        return alone.detail if alone is not None else ""
    if one.detail != other.detail:
        return f"{one.detail} | {other.detail}"
    if one.call == other.call:
        return one.detail if one.key == other.key else f"{one.detail}: {one.outcome} | {other.outcome}"
    named = (
        name for name in {**one.said, **other.said} if one.said.get(name, _ABSENT) != other.said.get(name, _ABSENT)
    )
    told = "; ".join(
        f"{name}: {_value(one, name)} | {_value(other, name)}" for name in named if name not in _OF_RECORDS
    )
    return f"{one.detail}; {told}" if told else one.detail


def _value(action: Action, name: str) -> str:
    """A field as JSON, cut to a part of a line."""
    if name not in action.said:
        return "absent"
    text = json.dumps(action.said[name], ensure_ascii=False)
    return f"{text[:_WIDTH]}…" if len(text) > _WIDTH else text
