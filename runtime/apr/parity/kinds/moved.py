"""Right values in the wrong place: shifted, permuted, transposed, rotated."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from apr.parity.kinds.look import Explanation, Look, worth, worth_of_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    Real = NDArray[np.float64]
    Places = NDArray[np.intp]

_MATCHED = 1024  # rows or columns that are matched with each other at most
_ELSEWHERE = 1e-3  # part of E that may remain after values were put back
_CHANGED = 1e-6  # of sum(y^2): below it, values have not moved, they have changed


def explanations(look: Look) -> Iterator[Explanation]:
    """All of this file's that apply; nothing where the difference is too small for values to have moved."""
    if look.squares < _CHANGED * float(np.vdot(look.expected, look.expected)):
        return
    yield from _shifted(look)
    yield from _transposed(look)
    yield from _halves(look)
    yield from _heads(look)
    yield from _matched(look, axis=0)
    yield from _matched(look, axis=1)


def _shifted(look: Look) -> Iterator[Explanation]:
    rows, channels = look.shape
    for axis, what, n in ((1, "channel", channels), (0, "position", rows)):
        if n < 3:
            continue
        for by in (1, -1):

            def one(row: int, by: int = by, axis: int = axis) -> Real:
                return np.roll(look.expected[row], by) if axis == 1 else look.expected[(row - by) % rows]

            if not look.worth_a_look(one):
                continue
            moved = np.roll(look.expected, by, axis=axis) - look.expected
            edge = (slice(None), 0 if by > 0 else -1) if axis == 1 else (0 if by > 0 else -1, slice(None))
            around = look.left_with(moved)
            told = f"every {what} holds what belongs {'before' if by > 0 else 'after'} it"
            yield Explanation("shift", f"{told}, the ends wrap around", around, worth(0, 8), look.share(moved))
            cut = moved.copy()
            cut[edge] = look.d[edge]
            yield Explanation(
                "shift", told, around - float((np.square((look.d - moved)[edge]) * look.w[edge]).sum()),
                worth(look.d[edge].size, 8), look.share(cut),
            )  # fmt: skip


def _transposed(look: Look) -> Iterator[Explanation]:
    rows, channels = look.shape
    y = look.expected
    tries: dict[str, Real] = {}  # views: what is read one after another is what would be seen
    if rows > 1 and channels > 1:
        tries["positions and channels are transposed in memory"] = y.T
        tries["channels and positions are transposed in memory"] = y.reshape(channels, rows).T
    if look.heads and channels > look.heads:
        split = y.reshape(rows, -1, look.heads)
        tries["heads and their channels are transposed"] = split.transpose(0, 2, 1)
        tries["channels and heads are transposed"] = y.reshape(rows, look.heads, -1).transpose(0, 2, 1)
        if rows > 1:
            tries["positions and heads are transposed in memory"] = split.transpose(1, 0, 2)
            tries["heads and positions are transposed in memory"] = y.reshape(-1, rows, look.heads).transpose(1, 0, 2)
    for told, view in tries.items():
        predicted = _rearranged(look, view)
        if predicted is not None:
            yield Explanation("transposition", told, look.left_with(predicted), worth(0, 8), look.share(predicted))


def _rearranged(look: Look, view: Real) -> Real | None:
    """[T, C] the d that all values in the order of a view predict; None where a few positions show that they are not in it."""
    rows, channels = look.shape
    if not look.worth_a_look(lambda row: np.asarray(view.flat[row * channels : (row + 1) * channels])):
        return None
    return view.reshape(rows, channels) - look.expected


def _halves(look: Look) -> Iterator[Explanation]:
    """Neighbours where halves belong or the other way round, as the two conventions of rotary embeddings have them."""
    rows, channels = look.shape
    for width in {look.heads or channels, channels}:
        if width % 2 or width < 4:
            continue
        split = look.expected.reshape(rows, channels // width, width)
        apart, joined = (
            split.reshape(*split.shape[:2], *shape).transpose(0, 1, 3, 2)
            for shape in ((width // 2, 2), (2, width // 2))
        )
        for told, view in (("halves hold what belongs to neighbours", apart),
                            ("neighbours hold what belongs to halves", joined)):  # fmt: skip
            predicted = _rearranged(look, view)
            if predicted is None:
                continue
            within = "in every head" if look.heads == width else "across all channels"
            yield Explanation(
                "permutation", f"{told}, {within}", look.left_with(predicted), worth(0, 8), look.share(predicted)
            )


def _heads(look: Look) -> Iterator[Explanation]:
    """Whole heads in each other's place, or one in the place of several."""
    rows, channels = look.shape
    if not look.heads or channels == look.heads:
        return
    count = channels // look.heads
    s, y, w = (x.reshape(rows, count, look.heads).transpose(1, 0, 2).reshape(count, -1)
               for x in (look.seen, look.expected, look.w))  # fmt: skip
    source = _nearest(s, y, w)
    moved = y[source].reshape(count, rows, look.heads).transpose(1, 0, 2).reshape(rows, channels)
    yield from _placed(look, moved - look.expected, source, np.arange(count), "head", count)


def _matched(look: Look, axis: int) -> Iterator[Explanation]:
    """Channels (axis 0) or positions (axis 1) in others' place: each that is wrong is matched with all, or with all wrong ones."""
    n = look.shape[1 - axis]
    across = look.shape[axis]
    energies = look.by_channel if axis == 0 else look.by_row
    wrong = np.flatnonzero(energies > worth(across, n))
    if not 2 <= len(wrong) <= _MATCHED:
        return
    offered = np.arange(n) if n <= _MATCHED else wrong
    if axis == 0:
        s, w, y = look.seen[:, wrong].T, look.w[:, wrong].T, look.expected[:, offered].T
    else:  # of a large stage some channels tell which position a row belongs to; all of it says whether that is so
        at = look.sample if look.large else slice(None)
        s, w, y = look.seen[wrong][:, at], look.w[wrong][:, at], look.expected[offered][:, at]
    source = offered[_nearest(*map(np.ascontiguousarray, (s, y, w)))]
    if (source == wrong).all():
        return
    moved = look.expected.copy()
    if axis == 0:
        moved[:, wrong] = look.expected[:, source]
    else:
        moved[wrong] = look.expected[source]
    yield from _placed(look, moved - look.expected, source, wrong, "channel" if axis == 0 else "position", len(offered))


def _nearest(s: Real, y: Real, w: Real) -> Places:
    """[n] for each row of s the row of y that it is nearest to, in the metric of its own w: sum(w (s - y)^2)."""
    distance = (w * s * s).sum(axis=1)[:, None] - 2 * (w * s) @ y.T + w @ (y * y).T
    return np.asarray(np.argmin(distance, axis=1))


def _placed(
    look: Look, predicted: Real, source: Places, places: Places, what: str, offered: int
) -> Iterator[Explanation]:
    moved = source != places
    count = int(moved.sum())
    if count == 0:
        return
    first = look.first if what == "position" else 0
    came, went = source[moved] + first, places[moved] + first
    if count == 2 and came[0] == went[1] and came[1] == went[0]:
        told = f"{what}s {went[0]} and {went[1]} are swapped"
    elif len(np.unique(came)) == 1:
        told = f"{count} {what}s hold what belongs to {what} {came[0]}"
    else:
        pairs = ", ".join(f"{a} holds {b}" for a, b in list(zip(went.tolist(), came.tolist(), strict=True))[:3])
        told = f"{count} {what}s hold what belongs to others ({pairs}{', …' if count > 3 else ''})"
    cost = worth_of_log(0, count * math.log(max(2, offered)))
    left = look.left_with(predicted)
    if left > _ELSEWHERE * look.energy + worth(look.d.size, 1):
        return  # the nearest of many is near by chance; values that have moved are equal
    yield Explanation("permutation", told, left, cost, look.share(predicted))


def rotations(look: Look) -> Iterator[Explanation]:
    """Pairs of channels turned by an angle that all heads share, as rotary embeddings turn them.

    For a pair z = a + i b of each head, seen is e^(i phi) expected: the best phi is the argument of sum(w seen conj(expected))
    over the heads.
    """
    rows, channels = look.shape
    width = look.heads
    if not width or width % 2 or channels == width:
        return
    for pairing, split in (("neighbours", _neighbours), ("halves", _opposite)):
        seen, expected = (split(x.reshape(rows, -1, width)) for x in (look.seen, look.expected))
        weights = split(look.w.reshape(rows, -1, width))
        w = weights.real + weights.imag
        turn = (w * seen * expected.conj()).sum(axis=1)  # [rows, pairs]
        angle = np.angle(turn)
        by_row = _angles(look, split, angle)
        yield _turned(look, by_row, angle, pairing)


def _angles(look: Look, split: Callable[[Real], NDArray[np.complex128]], angle: Real) -> Real:
    """[T, C] the d that the angles [T, pairs] predict."""
    rows, channels = look.shape
    width = look.heads or channels
    pairs = split(look.expected.reshape(rows, -1, width)) * np.exp(1j * angle)[:, None, :]
    out = np.empty((rows, channels // width, width))
    if split is _neighbours:
        out[..., 0::2], out[..., 1::2] = pairs.real, pairs.imag
    else:
        out[..., : width // 2], out[..., width // 2 :] = pairs.real, pairs.imag
    return out.reshape(rows, channels) - look.expected


def _turned(look: Look, predicted: Real, angle: Real, pairing: str) -> Explanation:
    rows, channels = look.shape
    rest = look.d - predicted
    left = (rest * rest * look.w).sum(axis=1)
    # positions that the rotation does not help are left as they are
    helped = left < look.by_row - worth(angle.shape[1], rows)
    heads = channels // (look.heads or channels)
    freedom = 1 - 1 / (2 * heads)  # one angle for a pair in each head
    total = float(np.where(helped, left / freedom, look.by_row).sum())
    places = np.flatnonzero(helped)
    detail = _told(look, angle, places, pairing)
    cost = worth_of_log(len(places) * angle.shape[1], rows * math.log(2))
    return Explanation("rotation", detail, total, cost, look.share(np.where(helped[:, None], predicted, 0.0)))


def _told(look: Look, angle: Real, places: Places, pairing: str) -> str:
    if len(places) == 0:
        return "no position is turned"
    # the first pair turns by one radian a position, whatever the base
    steps = angle[places, 0]
    rows = look.shape[0]
    where = f"position {look.row(places[0])}" if len(places) == 1 else f"{len(places)} of {rows} positions"
    whole = round(float(np.median(steps)))
    if whole and np.allclose(steps, whole, atol=1e-3):
        return f"{where}: {pairing} are turned as if the position were {abs(whole)} too {'large' if whole > 0 else 'small'}"
    return f"{where}: {pairing} are turned by up to {float(np.abs(angle[places]).max()):.4g} radians more than expected"


def _neighbours(x: Real) -> NDArray[np.complex128]:
    return np.asarray(x[..., 0::2] + 1j * x[..., 1::2])


def _opposite(x: Real) -> NDArray[np.complex128]:
    half = x.shape[-1] // 2
    return np.asarray(x[..., :half] + 1j * x[..., half:])
