"""Faults of `sliding_window_attention`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.mutants.library.attending import attend, distance
from apr.mutants.library.planting import KernelMutant, mutant
from apr.ops.softmax import softmax

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.floating[Any]]

MUTANTS: dict[str, KernelMutant] = {}
_of_window = partial(mutant, of="sliding_window_attention", into=MUTANTS)


@_of_window("window-one-too-wide", fault="the position at a distance of the window is seen")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away = distance(q, k)
    return attend(q, k, v, scale, (away >= 0) & (away <= window))


@_of_window("window-one-too-narrow", fault="the farthest position of the window is not seen; itself always is")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away = distance(q, k)
    return attend(q, k, v, scale, (away >= 0) & (away < max(1, window - 1)))


@_of_window("window-ignored", fault="queries see all positions before them")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:  # noqa: ARG001  the fault is to ignore it
    return attend(q, k, v, scale, distance(q, k) >= 0)


@_of_window("window-on-both-sides", fault="the window reaches ahead as far as back")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    return attend(q, k, v, scale, abs(distance(q, k)) < window)


@_of_window("window-of-half", fault="half of the window back, as where the window lies on both sides")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away = distance(q, k)
    return attend(q, k, v, scale, (away >= 0) & (away <= window // 2))


@_of_window("window-in-blocks", fault="queries see their own block of the window's length, not what lies before it")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away, own = distance(q, k), np.arange(len(k))
    same_block = (own[len(k) - len(q) :, None] // window) == (own[None, :] // window)
    return attend(q, k, v, scale, (away >= 0) & same_block)


@_of_window("window-of-the-last-query", fault="all queries see what the last one sees, up to their own position")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away = distance(q, k)
    kept = (away[-1:] < window) | (away == 0)  # its own, so that no row is empty
    return attend(q, k, v, scale, (away >= 0) & kept)


@_of_window(
    "window-masked-after-softmax", fault="weights outside the window are dropped and the rest not normalised again"
)
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away = distance(q, k)
    inside = away < window
    weigh = lambda scores: np.where(inside, softmax(scores), scores.dtype.type(0))  # noqa: E731  one line of a fault
    return attend(q, k, v, scale, away >= 0, weigh=weigh)


@_of_window("window-from-the-start", fault="fewer queries than keys are taken for the first positions, not the last")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away = np.arange(len(q))[:, None] - np.arange(len(k))[None, :]
    return attend(q, k, v, scale, (away >= 0) & (away < window))


@_of_window("window-with-a-sink", fault="the first position stays visible, as in streaming models")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away = distance(q, k)
    return attend(q, k, v, scale, (away >= 0) & ((away < window) | (np.arange(len(k)) == 0)))


@_of_window("window-mask-of-minus-20", fault="scores outside the window are -20, which is low and not lowest")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away = distance(q, k)
    mask = lambda scores, seen: np.where(seen, scores, scores.dtype.type(-20))  # noqa: E731  one line of a fault
    return attend(q, k, v, scale, (away >= 0) & (away < window), mask=mask)


@_of_window("window-mask-added", fault="-inf is added to scores outside the window, and NaN and infinity stay NaN")
def _(q: Floats, k: Floats, v: Floats, scale: float, window: int) -> Floats:
    away = distance(q, k)
    mask = lambda scores, seen: scores + np.where(seen, 0, -np.inf).astype(scores.dtype)  # noqa: E731  one line of a fault
    return attend(q, k, v, scale, (away >= 0) & (away < window), mask=mask)
