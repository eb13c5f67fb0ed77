"""The numbers of a picture that a contract asks for: expressions of the language over points of an axis.

numpy is asked for here alone, and only where a contract asks for a picture.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pv.formal.language import FormalError, parse
from pv.types import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pv.formal.language import Expression

POINTS = 301
_WORDS = frozenset({"title", "caption", "log", "curves", "bars"})
_MOST = 12  # curves of one picture, bars of one


@dataclass(frozen=True)
class Picture:
    """What is drawn.

    Attributes:
        title, caption: above and below it; maybe empty.
        axis: the name along the horizontal axis; empty where there are bars.
        points: along it.
        curves: label to a value a point; not finite where there is none.
        bars: label to value.
        log: the axes that are logarithmic, of `x` and `y`.
        steps: whether the axis is one of whole numbers.
    """

    title: str
    caption: str
    axis: str
    points: tuple[float, ...]
    curves: Mapping[str, tuple[float, ...]]
    bars: Mapping[str, float]
    log: frozenset[str]
    steps: bool = False


def can_compute() -> bool:
    """Whether numpy is here."""
    return importlib.util.find_spec("numpy") is not None


def picture(plot: Mapping[str, Any], where: str) -> Picture:
    """The picture that `plot` of an equation asks for.

    Args:
        plot: the mapping.
        where: the equation, for messages.

    Raises:
        UsageProblem: it cannot be read or computed; the message says what of it.
    """
    try:
        return _picture(plot)
    except FormalError as problem:
        at = ".".join(map(str, ("plot", *problem.path)))
        raise UsageProblem(f"{where}: {at}: {problem.message}") from None


def _picture(plot: Mapping[str, Any]) -> Picture:
    title, caption = (" ".join(str(plot.get(key) or "").split()) for key in ("title", "caption"))
    log = plot.get("log") or []
    if not isinstance(log, list) or not set(log) <= {"x", "y"}:
        raise FormalError("a list of x and y", path=("log",))
    named = [key for key in plot if key not in _WORDS and not str(key).startswith("x-")]
    curves, bars = (_expressions(plot, key) for key in ("curves", "bars"))
    if bars and not curves and not named:
        return Picture(title, caption, "", (), {}, dict(_bars(bars)), frozenset(log))
    if not curves or bars or len(named) != 1:
        raise FormalError("either `bars`, or `curves` and one name with what it runs over, as x: [-6, 6]")
    name = str(named[0])
    points, steps = _points(plot[named[0]], name, log="x" in log)
    values = dict(_curves(curves, name, points))
    return Picture(title, caption, name, tuple(points), values, {}, frozenset(log), steps)


def _expressions(plot: Mapping[str, Any], key: str) -> dict[str, Expression]:
    block = plot.get(key) or {}
    if not isinstance(block, dict) or len(block) > _MOST:
        raise FormalError(f"a mapping of labels to expressions, {_MOST} at most", path=(key,))
    found = {}
    for label, text in block.items():
        try:
            found[str(label)] = parse(text)
        except FormalError as problem:
            raise problem.below(key, str(label)) from None
    return found


def _points(value: Any, name: str, *, log: bool) -> tuple[list[float], bool]:
    """Points between two numbers; all whole ones of `1..64`, or as many as fit."""
    if isinstance(value, str) and value.count("..") == 1:
        low, high = (_number(one, name) for one in value.split(".."))
        if not (low.is_integer() and high.is_integer() and low < high):
            raise FormalError("two whole numbers, the smaller first", path=(name,))
        every = max(1, -(-int(high - low) // (POINTS - 1)))
        return [float(one) for one in range(int(low), int(high) + 1, every)], True
    if not isinstance(value, list) or len(value) != 2:
        raise FormalError("what it runs over: [-6, 6], or 1..64 for whole numbers", path=(name,))
    low, high = (_number(one, name) for one in value)
    if not low < high or (log and low <= 0):
        raise FormalError("the smaller number first" + (", and both above 0" if log else ""), path=(name,))
    share = [at / (POINTS - 1) for at in range(POINTS)]
    if log:
        return [low * (high / low) ** one for one in share], False
    return [low + (high - low) * one for one in share], False


def _number(value: Any, name: str) -> float:
    try:
        found = _value(parse(value), {})
    except FormalError as problem:
        raise problem.below(name) from None
    return float(found[0])


def _curves(
    curves: Mapping[str, Expression], name: str, points: list[float]
) -> Iterator[tuple[str, tuple[float, ...]]]:
    for label, expression in curves.items():
        try:
            expression.check({name}, ())
            values = _value(expression, {name: points})
        except FormalError as problem:
            raise problem.below("curves", label) from None
        yield label, tuple(values) if len(values) == len(points) else tuple(values * len(points))


def _bars(bars: Mapping[str, Expression]) -> Iterator[tuple[str, float]]:
    for label, expression in bars.items():
        try:
            expression.check((), ())
            (value,) = _value(expression, {})
        except FormalError as problem:
            raise problem.below("bars", label) from None
        yield label, value


def _value(expression: Expression, names: Mapping[str, list[float]]) -> list[float]:
    """One number, or one a point: each point is a row of its own, so that sums and maxima are taken at each."""
    import numpy as np  # noqa: PLC0415  see above

    from pv.properties.evaluate import Scope, Unusable  # noqa: PLC0415  it imports numpy

    given = {name: np.array(values, np.float64)[:, None] for name, values in names.items()}
    try:
        with np.errstate(all="ignore"):  # a curve breaks where it is not finite
            value = np.asarray(Scope(given).evaluate(expression), np.float64)
    except (Unusable, TypeError, ValueError) as problem:
        raise FormalError(f"cannot be computed: {problem}") from None
    rows = {1, *(len(one) for one in names.values())}
    if value.size not in rows:
        raise FormalError(f"gives {value.size} numbers a picture instead of one a point: {expression.text}")
    return [float(one) for one in value.reshape(-1)]
