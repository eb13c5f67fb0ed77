"""Errors of the values themselves: not finite, clamped, rounded to fewer bits, a term that is missing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from apr.parity.kinds.look import Explanation, Look, worth

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.parity.result import Kind

    Real = NDArray[np.float64]

_SINGLE = 24  # bits of a float32 significand, the leading one counted
# formats narrower than float32 by the bits of their significand
_FORMATS = {11: "float16", 8: "bfloat16", 4: "float8 (E4M3)", 3: "float8 (E5M2)"}


def not_finite(seen: Array, expected: Array, first: int = 0) -> Kind | None:
    """`not finite` where one side is and the other is not, or both are in another way."""
    from apr.parity.result import Kind  # noqa: PLC0415 # needed for the rare case alone

    s, y = np.asarray(seen), np.asarray(expected)
    bad = ~(np.isfinite(s) & np.isfinite(y))
    bad &= ~((np.isnan(s) & np.isnan(y)) | (s == y))
    if not bad.any():
        return None
    t, c = (int(i) for i in np.argwhere(bad)[0])
    count = int(bad.sum())
    detail = f"{count} of {bad.size} elements, the first at position {first + t}, channel {c}: {s[t, c]:g} instead of {y[t, c]:g}"
    return Kind("not finite", detail, count / bad.size)


def explanations(look: Look) -> Iterator[Explanation]:
    """All of this file's that apply."""
    yield from _saturated(look)
    yield from _rounded(look)
    yield from _missing(look)
    yield from _dropped(look)


def _saturated(look: Look) -> Iterator[Explanation]:
    low, high = float(look.seen.min()), float(look.seen.max())
    # one element at the limit is only the greatest; many are a limit
    above, below = (look.seen == high) & (look.expected > high), (look.seen == low) & (look.expected < low)
    many = max(3, look.d.size // 10_000)
    limits = [(value, at) for value, at in ((low, below), (high, above)) if int(at.sum()) >= many and value != 0]
    if low == high or not limits:
        return
    predicted = np.zeros_like(look.d)
    for value, at in limits:
        predicted[at] = value - look.expected[at]
    count = sum(int(at.sum()) for _, at in limits)
    told = " and ".join(f"{value:.7g}" for value, _ in limits)
    detail = f"{count} of {look.d.size} elements are held at {told}"
    yield Explanation("saturated", detail, look.left_with(predicted), worth(2, look.d.size), look.share(predicted))


def significant_bits(x: Array) -> int:
    """How many bits the significands of float32 values need at most, the leading one counted; 24 where a float64 is wider."""
    narrow = np.asarray(x, np.float32)
    if x.dtype != np.float32 and np.any(narrow != x):
        return _SINGLE
    used = int(np.bitwise_or.reduce(np.ascontiguousarray(narrow).view(np.uint32), axis=None)) & 0x7FFFFF
    return 1 if used == 0 else _SINGLE - ((used & -used).bit_length() - 1)


def to_bits(x: Real, bits: int, *, cut: bool = False) -> Real:
    """[...] rounded to so many significant bits, ties to even, or cut off."""
    fraction, exponent = np.frexp(x)
    scaled = fraction * 2.0**bits
    return np.asarray(np.ldexp(np.trunc(scaled) if cut else np.rint(scaled), exponent - bits))


def _rounded(look: Look) -> Iterator[Explanation]:
    """The output holds fewer bits than a float32 has, and is what rounding gives."""
    rows, channels = look.shape
    bits = significant_bits(look.raw)
    # 16 elements that end in five zero bits by chance: 2^-80
    if bits > _SINGLE - 5 or rows * channels < 16:
        return
    for cut in (False, True):
        predicted = to_bits(look.expected, bits, cut=cut) - look.expected
        left = look.left_with(predicted)
        named = f"{_FORMATS[bits]}, {bits}" if bits in _FORMATS else str(bits)
        detail = f"{'cut off' if cut else 'rounded'} to {named} significant bits"
        # that every value fits into so few bits is no chance: nothing has been fitted
        yield Explanation("rounding", detail, left, worth(1, 2 * _SINGLE), look.share(predicted))


def _missing(look: Look) -> Iterator[Explanation]:
    for name, term in look.terms.items():
        x = np.asarray(term, np.float64)
        if x.shape != look.d.shape or not np.isfinite(x).all():
            continue
        for times, said in ((-1.0, "is missing"), (1.0, "was added twice"), (-2.0, "was subtracted")):
            predicted = times * x
            detail = f"{name} {said}"
            yield Explanation(
                "missing term", detail, look.left_with(predicted), worth(0, 3 * len(look.terms)), look.share(predicted)
            )


def _dropped(look: Look) -> Iterator[Explanation]:
    """Zeros in a range of channels, or from one position on."""
    for axis, what in ((0, "channel"), (1, "position")):
        empty = (look.seen == 0).all(axis=axis) & (look.expected != 0).any(axis=axis)
        places = np.flatnonzero(empty)
        if len(places) == 0 or len(places) == len(empty):
            continue
        at: Any = (slice(None), places) if axis == 0 else (places, slice(None))
        predicted = np.zeros_like(look.d)
        predicted[at] = -look.expected[at]
        first, last = (int(place) + (look.first if axis == 1 else 0) for place in (places[0], places[-1]))
        told = f"{what}s {first} to {last}" if last > first else f"{what} {first}"
        detail = f"{told} ({len(places)} of {len(empty)}): zero"
        cost = worth(0, float(len(empty)) ** 2)
        yield Explanation("dropped block", detail, look.left_with(predicted), cost, look.share(predicted))
