"""Errors of a whole stage, of some channels, of some positions, of one element: gain, bias, sign, or anything at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.parity.kinds.look import Explanation, Look, worth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Real = NDArray[np.float64]

_GRID = 64  # edges of a range of channels or positions are looked for on so many places, then moved one by one
_EXACT = 1e-3  # how near a factor has to be to -1 to be called so


class _Fit(NamedTuple):
    """d = factor * y over part of the stage: <d, y> and <y, y> in the metric of the null model."""

    above: Any
    below: Any

    @property
    def gone(self) -> Any:
        """What the best factor takes away from E."""
        return np.divide(self.above**2, self.below, out=np.zeros_like(self.below), where=self.below > 0)


def explanations(look: Look) -> Iterator[Explanation]:
    """All of this file's that apply, the simpler before the freer."""
    by = look.w * look.d
    gain = (by * look.expected, look.w * look.expected**2)
    yield from _one_element(look)
    yield from _everywhere(look, gain, by)
    yield from _along(look, gain, by, axis=0)
    yield from _along(look, gain, by, axis=1)
    yield from _anything(look)


def factor(change: float) -> str:
    """`1.0002 times the expected values`; the change is the factor less one."""
    if abs(change + 2) < _EXACT:
        return "the sign is flipped"
    return f"{1 + change:.9g} times the expected values"


def span(what: str, start: int, stop: int) -> str:
    """`channel 3`, `channels 3 to 7`; the end is exclusive."""
    return f"{what} {start}" if stop - start == 1 else f"{what}s {start} to {stop - 1}"


def _name(change: float, otherwise: str) -> str:
    return "sign" if abs(change + 2) < _EXACT else otherwise


def _everywhere(look: Look, gain: tuple[Real, Real], by: Real) -> Iterator[Explanation]:
    rows, channels = look.shape
    whole = _Fit(np.asarray(gain[0].sum()), np.asarray(gain[1].sum()))
    change = float(whole.above / whole.below) if whole.below else 0.0
    if not look.seen.any():
        yield Explanation("zeros", "everything is zero", 0.0, worth(0, 1), look.share(-look.expected))
    yield Explanation(
        _name(change, "gain"), factor(change), look.energy - float(whole.gone), worth(1, 1),
        look.share(change * look.expected),
    )  # fmt: skip
    shift = _Fit(np.asarray(by.sum()), np.asarray(look.w.sum()))
    offset = float(shift.above / shift.below) if shift.below else 0.0
    yield Explanation(
        "bias", f"{offset:+.6g} everywhere", look.energy - float(shift.gone), worth(1, 1), look.share(offset)
    )
    if rows > 1:
        yield _vector(look, by, "bias by channel", axis=0)
        yield from _factors(look, gain, "gain by channel", axis=0)
    if channels > 1:
        yield from _factors(look, gain, "gain by position", axis=1)


def _vector(look: Look, by: Real, name: str, axis: int) -> Explanation:
    fit = _Fit(by.sum(axis=axis), look.w.sum(axis=axis))
    offsets = np.divide(fit.above, fit.below, out=np.zeros_like(fit.below), where=fit.below > 0)
    rows = look.shape[0]
    left = (look.energy - float(fit.gone.sum())) * rows / (rows - 1)
    size = float(np.sqrt(np.mean(offsets**2)))
    detail = f"a bias of its own in each channel, {size:.6g} RMS, the same at every position"
    return Explanation(name, detail, left, worth(len(offsets), 1), look.share(offsets[None, :]))


def _factors(look: Look, gain: tuple[Real, Real], name: str, axis: int) -> Iterator[Explanation]:
    fit = _Fit(gain[0].sum(axis=axis), gain[1].sum(axis=axis))
    changes = np.divide(fit.above, fit.below, out=np.zeros_like(fit.below), where=fit.below > 0)
    across = look.shape[axis]
    left = (look.energy - float(fit.gone.sum())) * across / (across - 1)
    what = "channel" if axis == 0 else "position"
    detail = f"a factor of its own in each {what}, {1 + changes.min():.7g} to {1 + changes.max():.7g}"
    predicted = np.expand_dims(changes, axis) * look.expected
    cost = worth(len(changes), 1)
    # elements of a position may share an honest error, that of a norm's reciprocal root: it is one only if it is too large
    if axis == 1 and (look.energy - left > cost or look.must) and not look.stands_out(predicted):
        return
    yield Explanation(name, detail, left, cost, look.share(predicted))


def _along(look: Look, gain: tuple[Real, Real], by: Real, axis: int) -> Iterator[Explanation]:
    """One channel (axis 0: sums over positions) or a range of them, or one position or a range of them (axis 1)."""
    what = "channel" if axis == 0 else "position"
    n = look.shape[1 - axis]
    if n == 1:
        return
    above, below = gain[0].sum(axis=axis), gain[1].sum(axis=axis)
    ones = by.sum(axis=axis), look.w.sum(axis=axis)
    across = look.shape[axis]
    if across > 1:
        fit = _Fit(above, below)
        worst = int(np.argmax(fit.gone))
        named = look.row(worst) if axis == 1 else worst
        change = float(above[worst] / below[worst]) if below[worst] else 0.0
        at = (slice(None), worst) if axis == 0 else (worst, slice(None))
        yield Explanation(
            _name(change, what), f"{what} {named}: {factor(change)}", look.energy - float(fit.gone[worst]), worth(1, n),
            look.share(change * look.expected[at], at),
        )  # fmt: skip
        fit = _Fit(*ones)
        worst = int(np.argmax(fit.gone))
        named = look.row(worst) if axis == 1 else worst
        offset = float(fit.above[worst] / fit.below[worst]) if fit.below[worst] else 0.0
        at = (slice(None), worst) if axis == 0 else (worst, slice(None))
        yield Explanation(
            what, f"{what} {named}: {offset:+.6g}", look.energy - float(fit.gone[worst]), worth(1, n),
            look.share(offset, at),
        )  # fmt: skip
    if n > 2:
        yield from _range(look, (above, below), axis, what, gain=True)
        yield from _range(look, ones, axis, what, gain=False)


def _range(look: Look, sums: tuple[Real, Real], axis: int, what: str, *, gain: bool) -> Iterator[Explanation]:
    """A range of channels or positions with one factor or one bias; edges at heads where the stage has them."""
    n = len(sums[0])
    heads = look.heads if axis == 0 and look.heads and n // look.heads > 1 else None
    start, stop, gone = _best_range(*sums, heads)
    if stop - start in (1, n) or gone <= 0:
        return  # the others have those
    above, below = sums[0][start:stop].sum(), sums[1][start:stop].sum()
    size = float(above / below)
    at = (slice(None), slice(start, stop)) if axis == 0 else (slice(start, stop), slice(None))
    where = span(what, start, stop) if axis == 0 else span(what, look.row(start), look.row(stop))
    headed = heads is not None and start % heads == 0 and stop % heads == 0
    if headed and heads:
        where = f"{span('head', start // heads, stop // heads)} ({where})"
    name = f"{'head' if headed else 'block' if axis == 0 else 'position'} {'gain' if gain else 'bias'}"
    told = factor(size) if gain else f"{size:+.6g}"
    predicted = size * look.expected[at] if gain else size
    yield Explanation(
        _name(size, name) if gain else name, f"{where}: {told}", look.energy - gone, worth(1, n * (n - 1) / 2),
        look.share(predicted, at),
    )  # fmt: skip


def _best_range(above: Real, below: Real, step: int | None) -> tuple[int, int, float]:
    """[start, stop) and what it takes away; on a grid first, then each end where it is best."""
    n = len(above)
    sums, sizes = (np.concatenate([[0.0], np.cumsum(x)]) for x in (above, below))

    def gone(start: Any, stop: Any) -> Any:
        size = sizes[stop] - sizes[start]
        ok = np.asarray((stop > start) & (size > 0))
        return np.divide((sums[stop] - sums[start]) ** 2, size, out=np.zeros(ok.shape), where=ok)

    grid = np.arange(0, n + 1, step) if step else np.unique(np.linspace(0, n, min(n, _GRID) + 1).astype(int))
    table = gone(grid[:, None], grid[None, :])
    table[0, -1] = 0  # everything is no range
    first, last = np.unravel_index(int(np.argmax(table)), table.shape)
    start, stop = int(grid[first]), int(grid[last])
    every = np.arange(n + 1)
    for _ in range(2):
        candidates = gone(every, np.full(n + 1, stop))
        if stop == n:
            candidates[0] = 0
        better = int(np.argmax(candidates))
        # a head's edge stays where it is unless another is clearly better
        start = better if candidates[better] > gone(np.asarray(start), np.asarray(stop)) + 4 else start
        candidates = gone(np.full(n + 1, start), every)
        if start == 0:
            candidates[n] = 0
        better = int(np.argmax(candidates))
        stop = better if candidates[better] > gone(np.asarray(start), np.asarray(stop)) + 4 else stop
    return start, stop, float(gone(np.asarray(start), np.asarray(stop)))


def _one_element(look: Look) -> Iterator[Explanation]:
    rows, channels = look.shape
    place = int(np.argmax(look.energies))
    t, c = divmod(place, channels)
    seen, expected = look.seen[t, c], look.expected[t, c]
    detail = f"position {look.row(t)}, channel {c}: {seen:.9g} instead of {expected:.9g}"
    left = look.energy - float(look.energies[t, c])
    yield Explanation("element", detail, left, worth(1, rows * channels), look.share(look.d[t, c], (t, c)))


def _anything(look: Look) -> Iterator[Explanation]:
    """A difference of whatever form that stays within one channel or one position."""
    for what, energies, axis in (("channel", look.by_channel, 0), ("position", look.by_row, 1)):
        n, across = len(energies), look.shape[axis]
        if n == 1 or across == 1:
            continue
        worst = int(np.argmax(energies))
        named = look.row(worst) if axis == 1 else worst
        at = (slice(None), worst) if axis == 0 else (worst, slice(None))
        size = float(np.sqrt(np.mean(look.d[at] ** 2)))
        detail = f"{what} {named}: differs by {size:.6g} RMS, like noise"
        left = look.energy - float(energies[worst])
        yield Explanation(what, detail, left, worth(across, n), look.share(look.d[at], at))
