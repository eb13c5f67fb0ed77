"""What every test for a kind of error looks at, and what it answers.

All of them ask the same question: how much of E = sum(d^2 / tau^2) goes away when exactly this error is undone? d is seen minus
expected, tau the null model's proxy. An explanation with p fitted numbers, the best of M alternatives, takes away from honest
noise no more than

    p + 2 sqrt(p L) + 2 L,   L = ln(2 M / alpha)

with probability 1 - alpha: the tail of a quadratic form of sub-Gaussian variables over a p-dimensional projection (Hsu, Kakade and
Zhang 2012, theorem 2.1), and a union over the alternatives. The same number is what an explanation costs when it competes with
others, so one with more freedom has to be that much better.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from apr.capture import Array

    Real = NDArray[np.float64]

# what all tests for kinds together may call noise an error with
ALPHA = 1e-6
# tests that share it, rounded up; each searches M alternatives of its own
_TESTS = 64
_UNIT = 2.0**-24  # rounding unit of float32
# channels whose weights are read at most, for errors that show in all of them
_SAMPLE = 512
# a stage of more elements is asked at a few positions first, whether looking at all of it is worth the while
_LARGE, _FEW = 1 << 21, 16


class WeightRows(Protocol):
    """The weights behind some output channels of a linear stage."""

    def __call__(self, channels: NDArray[np.intp], /) -> tuple[Array, int]:
        """Dequantised rows [len(channels), K], and how many weights share a scale (1 where none do)."""


def worth(freedom: float, choices: float) -> float:
    """The most of E that an explanation takes away from noise, see above.

    Args:
        freedom: numbers fitted.
        choices: alternatives of which it is the best; may be huge, so it is a float.
    """
    return worth_of_log(freedom, math.log(choices))


def worth_of_log(freedom: float, log_choices: float) -> float:
    """The same with the natural logarithm of the number of alternatives."""
    tail = math.log(2 * _TESTS / ALPHA) + log_choices
    return freedom + 2 * math.sqrt(freedom * tail) + 2 * tail


@dataclass(frozen=True)
class Explanation:
    """One way to explain a difference.

    Attributes:
        name, detail: as in `apr.parity.result.Kind`.
        left: what remains of E.
        cost: from `worth`: what it would take away from noise.
        share: computes the part of sum(d^2) that it explains.
    """

    name: str
    detail: str
    left: float
    cost: float
    share: Callable[[], float]


@dataclass(frozen=True, eq=False)
class Look:
    """One stage of one engine, prepared.

    Attributes:
        seen, expected: [T, C] float64; 0 where either is not finite.
        d: seen - expected.
        w: [T, C] 1 / tau^2; 0 where either is not finite. tau is at least the rounding unit of float32 times the value, so that
            an error that was rounded after it was made can be recognised where every bit must agree.
        raw: what was seen, as it came.
        must: something differs where every bit must agree, so no difference is too small to be named.
        inputs: [T, K] what a linear stage read, rounded as its arithmetic rounds; None for others.
        weight: of a linear stage.
        heads: width of a head; None where the columns are no heads.
        terms: [T, C] each, what the stage adds up, by name.
        first: what sentences call the first row.
    """

    seen: Real
    expected: Real
    d: Real
    w: Real
    raw: Array
    must: bool
    inputs: Real | None = None
    weight: WeightRows | None = None
    heads: int | None = None
    terms: Mapping[str, Array] = field(default_factory=dict)
    first: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Positions and channels."""
        rows, channels = self.d.shape
        return rows, channels

    def row(self, index: int) -> int:
        """What sentences call a row."""
        return self.first + int(index)

    @cached_property
    def energies(self) -> Real:
        """[T, C] d^2 / tau^2."""
        return self.d * self.d * self.w

    @cached_property
    def by_row(self) -> Real:
        """[T] sums of `energies`."""
        return np.asarray(self.energies.sum(axis=1))

    @cached_property
    def by_channel(self) -> Real:
        """[C] sums of `energies`."""
        return np.asarray(self.energies.sum(axis=0))

    @cached_property
    def energy(self) -> float:
        """E."""
        return float(self.by_row.sum())

    @cached_property
    def squares(self) -> float:
        """sum(d^2)."""
        return float(np.vdot(self.d, self.d))

    @cached_property
    def sample(self) -> NDArray[np.intp]:
        """Channels by which errors that show in all of them are judged: those that differ most and some spread evenly."""
        channels = self.shape[1]
        if channels <= _SAMPLE:
            return np.arange(channels)
        worst = np.argpartition(self.by_channel, -_SAMPLE // 2)[-_SAMPLE // 2 :]
        return np.unique(np.concatenate([worst, np.linspace(0, channels - 1, _SAMPLE // 2).astype(np.intp)]))

    @property
    def large(self) -> bool:
        """Whether there are so many elements that a part of them is asked first."""
        return self.d.size > _LARGE

    @cached_property
    def few(self) -> NDArray[np.intp]:
        """Positions that stand for all of a large stage: those that differ most and some spread evenly; none where it is small."""
        rows = self.shape[0]
        if not self.large or rows <= _FEW:
            return np.empty(0, np.intp)
        worst = np.argsort(self.by_row)[::-1][: _FEW // 2]
        return np.unique(np.concatenate([worst, np.linspace(0, rows - 1, _FEW // 2).astype(np.intp)]))

    def worth_a_look(self, would: Callable[[int], Real]) -> bool:
        """Whether what would have been seen explains half of the difference at half of the `few` positions.

        Args:
            would: makes one row [C]. An explanation of the whole stage that fails here leaves too much to be named.
        """
        left = [float(np.square(self.seen[row] - would(row)) @ self.w[row]) for row in self.few.tolist()]
        good = np.asarray(left) <= self.by_row[self.few] / 2
        return 2 * int(good.sum()) >= len(good)

    @cached_property
    def sampled(self) -> tuple[Real, int]:
        """Weights of the sampled channels [channels, K], and the block size; only where there is a `weight`."""
        if self.weight is None:
            raise ValueError("a stage without weights has no rows of them")
        rows, block = self.weight(self.sample)
        return np.asarray(rows, np.float64), block

    def left_with(self, predicted: Real) -> float:
        """What remains of E when a predicted d [T, C] is undone."""
        rest = self.d - predicted
        rest *= rest
        return float(np.vdot(rest, self.w))

    def stands_out(self, predicted: Real) -> bool:
        """Whether a predicted d [T, C] would be more than noise: if it would not, it is something that correct engines may do."""
        # the mean over everything first: it is the quickest of what `excess` looks at
        return (
            self.must
            or float(np.vdot(predicted * predicted, self.w)) > worth(predicted.size, 1)
            or excess(predicted, self.expected, self.w) > 1
        )

    def share(self, predicted: Any, at: Any = ...) -> Callable[[], float]:
        """The part of sum(d^2) that goes away when a predicted d is undone at some elements; computed when asked for."""

        def compute() -> float:
            here = self.d[at]
            rest = here - predicted
            return max(0.0, min(1.0, float((here * here).sum() - (rest * rest).sum()) / self.squares))

        return compute


def look(
    seen: Array,
    expected: Array,
    tau: Array,
    *,
    inputs: Array | None = None,
    weight: WeightRows | None = None,
    heads: int | None = None,
    terms: Mapping[str, Array] | None = None,
    first: int = 0,
) -> Look:
    """Prepares a stage; see `apr.parity.kinds.kind_of`."""
    check_shapes(seen, expected, tau)
    raw = np.asarray(seen)
    s, y, t = (np.asarray(x, np.float64) for x in (seen, expected, tau))
    finite = np.isfinite(s) & np.isfinite(y)
    if not finite.all():
        s, y = np.where(finite, s, 0.0), np.where(finite, y, 0.0)
    d = s - y
    must = bool(np.any((t == 0) & (d != 0)))
    proxy = np.abs(s)  # in place from here: a head of a long prompt is large
    np.maximum(proxy, np.abs(y), out=proxy)
    proxy *= _UNIT
    np.maximum(proxy, t, out=proxy)
    positive = proxy > 0
    if not positive.all():
        proxy[~positive] = float(np.median(proxy[positive])) if positive.any() else 1.0
    w = np.square(proxy, out=proxy)
    np.divide(1.0, w, out=w)
    w[~finite] = 0.0
    x = None if inputs is None else np.asarray(inputs, np.float64)
    if x is not None and (len(x) != len(s) or not np.isfinite(x).all()):
        x = None  # what came in was broken already; nothing can be said of the product
    return Look(
        s, y, d, w, raw, must, x, weight if x is not None else None, _dividing(heads, s.shape[1]), terms or {}, first
    )


def excess(d: Real, expected: Real, w: Real) -> float:
    """How clearly a difference is more than noise, in the form that shows it best: above 1 it is.

    One element, one position, one channel, everything; a gain, a bias; the statistic of each over its limit.

    Args:
        d: [T, C].
        expected: [T, C], what a gain multiplies.
        w: [T, C], 1 / tau^2.
    """
    rows, channels = d.shape
    energies = d * d * w
    by_row = energies.sum(axis=1)
    weighted = d * w
    gain, bias = float(np.vdot(weighted, expected)), float(weighted.sum())
    power, count = float(np.vdot(expected * expected, w)), float(w.sum())
    ratios = [
        float(energies.max()) / worth(1, rows * channels),
        float(by_row.max()) / worth(channels, rows),
        float(energies.sum(axis=0).max()) / worth(rows, channels),
        float(by_row.sum()) / worth(rows * channels, 1),
        gain**2 / power / worth(1, 1) if power else 0.0,
        bias**2 / count / worth(1, 1) if count else 0.0,
    ]
    return math.sqrt(max(ratios))


def check_shapes(seen: Array, expected: Array, tau: Array) -> None:
    """All three are [T, C].

    Raises:
        ValueError: they are not.
    """
    shapes = np.shape(seen), np.shape(expected), np.shape(tau)
    if len(set(shapes)) != 1 or len(shapes[0]) != 2:
        raise ValueError("seen {}, expected {} and tau {} must be one shape of two dimensions".format(*shapes))


def _dividing(heads: int | None, channels: int) -> int | None:
    return heads if heads and channels % heads == 0 else None
