"""Six statistics of one stage, all of them of z = d / tau.

Rows are taken as independent of each other, but for rows that are computed from the same numbers: a token that comes
back has the same row of the first layer's projections, and then every implementation has the same error in all of its rows. Rows
that `expected` has m times have m times the eigenvalue; in a column as many errors are independent as there are rows over the
greatest m.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.parity.null.base import Null, Test
from apr.parity.null.ranking import misplaced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.parity.null.base import TestName

    Doubles = NDArray[np.float64]

_ROWS = 256  # held against all others at a time
_TYPICAL = 30.0  # -log of a probability, at which trials with different counts are ranked


class _Held(NamedTuple):
    """Two sides, ready for statistics; [positions, width] each.

    Attributes:
        z: d / tau; 0 where the two agree although they had to, infinite where they do not, NaN where a NaN is involved.
        y: what is expected.
        tau: 0 where every bit must agree.
        inverse: 1 / tau; 0 where tau is 0 or infinite.
        judged: where tau is neither.
        all_judged: whether that is everywhere.
        top: [positions], the greatest eigenvalue of a row's errors, each over its tau.
        repeats: [positions], how many rows are the same as this one, itself included.
    """

    z: Doubles
    y: Doubles
    tau: Doubles
    inverse: Doubles
    judged: NDArray[np.bool_]
    all_judged: bool
    top: Doubles
    repeats: Doubles

    def counts(self, axis: int | None) -> Any:
        """How many elements of each row (axis 1), of each column (0) or of everything (None) are judged."""
        if not self.all_judged:
            return self.judged.sum(axis=axis)
        return self.y.size if axis is None else np.full(self.y.shape[1 - axis], self.y.shape[axis])

    def where_judged(self, values: Doubles) -> Doubles:
        """The values there, and 0 elsewhere."""
        return values if self.all_judged else np.where(self.judged, values, 0.0)


def tests(seen: Array, expected: Array, null: Null) -> tuple[Test, ...]:
    """The six tests of `Test`, worst places included.

    Args:
        seen: [positions, width].
        expected: the same shape, what the null model was made for.
        null: see there. Where its tau is 0 and the two differ, values are infinite; where it is infinite, the size of a difference
            is not judged, but what is misplaced in its ranking makes values infinite too. What is not finite on one side alone makes NaN,
            which no bound holds; the same on both is nothing that they differ in, and NaN has no sign.

    Raises:
        ValueError: shapes differ, or there is nothing to test.
    """
    if seen.shape != expected.shape or null.proxy.shape != expected.shape or expected.ndim != 2:
        raise ValueError(f"shapes {seen.shape}, {expected.shape} and {null.proxy.shape} are not one [positions, width]")
    if not expected.size:
        raise ValueError("nothing to test")
    with np.errstate(all="ignore"):  # infinities and NaN are results here
        held = _hold(seen, expected, null)
        return (
            _element(held),
            _squares("position", held, 1),
            _squares("channel", held, 0),
            _squares("stage", held, None),
            _form("gain", held, held.y, held.top if null.along is None else null.along[0]),
            _form("bias", held, np.ones_like(held.y), held.top if null.along is None else null.along[1]),
        )


def _hold(seen: Array, expected: Array, null: Null) -> _Held:
    a, y, tau = seen.astype(np.float64), expected.astype(np.float64), null.proxy
    d, judged = a - y, tau > 0
    if null.ranking is None and _finite(d) and bool(judged.all()) and float(tau.max()) < np.inf:
        # nearly every stage: nothing has to be equal and nothing may be anything, so no element is a case of its own
        inverse = 1 / tau
        return _Held(d * inverse, y, tau, inverse, judged, True, _top(null, np.full(len(y), y.shape[1])), repeats(y))
    alike = (a == y) | (np.isnan(a) & np.isnan(y))
    d = np.where(alike, 0.0, d)
    judged &= (tau < np.inf) & np.isfinite(y)
    inverse = np.where(judged, 1 / np.where(judged, tau, 1.0), 0.0)
    must = (d != 0) | ((np.signbit(seen) != np.signbit(expected)) & ~np.isnan(y))
    if null.ranking is not None:
        tau = np.where(_misplaced(a, y, alike, null.ranking) & np.isinf(tau), 0.0, tau)
        must |= tau != null.proxy
    z = np.where(judged, d * inverse, np.where((tau == 0) & must, np.inf, 0.0))
    z = np.where(alike | (np.isfinite(d) & ~np.isnan(tau)), z, np.nan)
    y, tau = np.where(np.isfinite(y), y, 0.0), np.where(np.isnan(tau), 0.0, tau)
    return _Held(z, y, tau, inverse, judged, bool(judged.all()), _top(null, judged.sum(axis=-1)), repeats(y))


def _finite(values: Doubles) -> bool:
    return bool(np.isfinite(values).all())


def _top(null: Null, counts: Any) -> Doubles:
    """[positions], the greatest eigenvalue of rows of which so many elements are judged."""
    rank = counts if null.rank is None else np.clip(np.nan_to_num(null.rank, nan=1.0), 1.0, np.maximum(counts, 1))
    return np.asarray(np.maximum(counts, 1) / np.maximum(rank, 1.0), np.float64)


def _misplaced(a: Doubles, y: Doubles, alike: NDArray[np.bool_], ranking: Doubles) -> NDArray[np.bool_]:
    """Ids of either side that cannot honestly stand there, in rows that the two do not share."""
    wrong: NDArray[np.bool_] = (misplaced(a, ranking) | misplaced(y, ranking)) & ~alike.all(axis=-1, keepdims=True)
    return wrong


def repeats(y: Doubles) -> Doubles:
    """[positions]: how many rows are the same as each, as far as three random projections tell to five digits.

    Not bit by bit: a matrix product may round the same row differently at another place.
    """
    rng = np.random.Generator(np.random.PCG64(3))
    seen = y @ rng.standard_normal((y.shape[1], 3))
    size = np.sqrt((y * y).sum(axis=-1))
    same = np.empty(len(y))
    for start in range(0, len(y), _ROWS):
        part = slice(start, start + _ROWS)
        apart = np.abs(seen[part, None] - seen[None]).max(axis=-1)
        same[part] = (apart <= 1e-5 * np.maximum(size[part, None], size[None])).sum(axis=-1)
    return np.maximum(same, 1.0)  # a row with a NaN is not even the same as itself


def _rms(values: Any, axis: int | None = None, count: Any = None) -> Any:
    total = (values * values).sum(axis=axis)
    return np.sqrt(total / (values.size if count is None else count))


def _element(held: _Held) -> Test:
    size = np.abs(held.z)
    flat = size.ravel()
    nan = np.isnan(flat)
    at = int(nan.argmax()) if nan.any() else int(flat.argmax())
    position, channel = divmod(at, size.shape[1])
    taus = held.tau if held.all_judged else held.tau[np.isfinite(held.tau)]
    typical = _rms(held.y)
    reach = float(np.median(taus) / typical) if taus.size and typical > 0 else _unjudged(held)
    trials = max(int(held.counts(None)), 1)
    return Test("element", float(flat[at]), 1, trials, float(held.tau[position, channel]), position, channel, reach)


def _squares(name: TestName, held: _Held, axis: int | None) -> Test:
    """Root mean squares over rows (axis 1), columns (axis 0) or everything (None)."""
    counts = np.maximum(held.counts(axis), 1)
    judged = np.atleast_1d(counts).astype(np.float64)
    values = np.atleast_1d(_rms(held.z, axis, counts))
    together = (held.top * held.repeats).max(keepdims=True)
    top = {1: held.top, 0: np.full(len(values), held.repeats.max()), None: together}[axis]
    ranks = np.maximum(judged / top, 1.0)
    typical = np.sqrt(1 + 2 * np.sqrt(_TYPICAL / ranks) + 2 * _TYPICAL / ranks)  # `root_mean_square` of each rank
    at = _worst_of(values / typical)
    of_tau = held.where_judged(held.tau)
    size = np.atleast_1d(_rms(held.y, axis, held.y.size if axis is None else held.y.shape[axis]))
    units = np.atleast_1d(_rms(of_tau, axis, held.y.size if axis is None else held.y.shape[axis])) / size
    signal = np.atleast_1d(_rms(held.y * held.inverse, axis, counts))
    place = {1: (at, None), 0: (None, at), None: (None, None)}[axis]
    unit = float(units[at]) if np.isfinite(units[at]) else 0.0
    return Test(name, float(values[at]), int(ranks[at]), len(values), unit, *place, reach=_reach(signal, held))


def _worst_of(values: Doubles) -> int:
    nan = np.isnan(values)
    return int(nan.argmax()) if nan.any() else int(values.argmax())


def _reach(signal: Doubles, held: _Held) -> float:
    """What relative error moves a typical place by 1."""
    typical = float(np.median(signal))
    if typical > 0:
        return 1 / typical
    return float("inf") if held.judged.any() else _unjudged(held)


def _unjudged(held: _Held) -> float:
    """The reach where no difference has a size: 0 where every bit counts, infinite where nothing is judged."""
    return 0.0 if (held.tau == 0).any() else float("inf")


def _form(name: TestName, held: _Held, weight: Doubles, along: Doubles) -> Test:
    """|sum(d w / tau^2)| over its own proxy; elements that must be equal are left to the other tests.

    Args:
        name: of the test.
        held: both sides.
        weight: w.
        along: [positions], how much greater the form's variance is in a row than if errors were independent.
    """
    z = held.where_judged(held.z)
    scaled = weight * held.inverse
    squares = (scaled * scaled).sum(axis=-1)
    spread = float(np.sqrt((along * held.repeats * squares).sum()))
    if not spread > 0:
        value = float("nan") if np.isnan(held.z).any() or np.isnan(spread) else 0.0
        return Test(name, value, 1, 1, 0.0, reach=_unjudged(held))
    value = abs(float((z * scaled).sum())) / spread
    if np.isnan(held.z).any():
        value = float("nan")
    unit = spread / float(squares.sum())
    # a gain of g moves the statistic by g / unit; so does a bias, which is told relative to the stage's size
    size = _rms(held.y)
    reach = unit if name == "gain" else float(unit / size) if size > 0 else 0.0
    return Test(name, value, 1, 1, unit, reach=reach)
