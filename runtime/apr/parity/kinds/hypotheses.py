"""Errors that only somebody who knows the stage can undo: another epsilon, another mask, another rotation.

A hypothesis says what would have been seen if it were true, and is computed only when it is needed. If that is something that the null
model allows, such as the rounding of activations where it knows of it, it is no error, and is not named. It may be true of some positions
alone: those that it helps are counted, each as a choice.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.errors import UnsupportedModel
from apr.parity.kinds.look import Explanation, Look, excess, worth, worth_of_log

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from apr.capture import Array


# The part of E that may remain: a hypothesis holds or it does not; what is left is that the engine computes it in another rounding.
_REST = 0.05


class Hypothesis(NamedTuple):
    """What could have gone wrong.

    Attributes:
        name, detail: as in `apr.parity.result.Kind`.
        would: computes [T, C], what would have been seen.
        rows: the positions that `would` has where all of a wide stage would take long; None for all. What is seen there stands for the
            rest.
    """

    name: str
    detail: str
    would: Callable[[], Array]
    rows: NDArray[np.intp] | None = None


def by_hypothesis(look: Look, hypothesis: Hypothesis) -> Iterator[Explanation]:
    """The explanation that a hypothesis gives, at every position or at those that it helps."""
    try:
        would = np.asarray(hypothesis.would(), np.float64)
    except UnsupportedModel:
        return  # an arithmetic that does not cover this model is not what happened
    if hypothesis.rows is not None:
        yield from _by_some_rows(look, hypothesis, would)
        return
    if would.shape != look.d.shape or not np.isfinite(would).all():
        return
    predicted = would - look.expected
    if not look.stands_out(predicted):
        return
    rest = look.d - predicted
    by_row = (rest * rest * look.w).sum(axis=1)
    rows, channels = look.shape
    left = float(by_row.sum())
    if left <= _REST * look.energy + worth(rows * channels, 1):
        yield Explanation(hypothesis.name, hypothesis.detail, left, worth(0, 64), look.share(predicted))
    true = by_row <= _REST * look.by_row + worth(channels, rows)
    helped = np.flatnonzero(true & (by_row < look.by_row - worth(0, rows)))
    if not 0 < len(helped) < rows:
        return
    start = look.row(helped[0])
    where = f"position {start}" if len(helped) == 1 else f"{len(helped)} of {rows} positions, first {start}"
    remains = float(look.energy - look.by_row[helped].sum() + by_row[helped].sum())
    partly = np.zeros_like(predicted)
    partly[helped] = predicted[helped]
    cost = worth_of_log(0, math.log(64) + min(len(helped), rows - len(helped)) * math.log(rows))
    yield Explanation(hypothesis.name, f"{where}: {hypothesis.detail}", remains, cost, look.share(partly))


def _by_some_rows(look: Look, hypothesis: Hypothesis, would: NDArray[np.float64]) -> Iterator[Explanation]:
    at = hypothesis.rows
    if would.shape != look.d[at].shape or not np.isfinite(would).all():
        return
    here, predicted = look.d[at], would - look.expected[at]
    if not look.must and excess(predicted, look.expected[at], look.w[at]) <= 1:
        return
    rest = here - predicted
    inside, left = float(look.by_row[at].sum()), float((rest * rest * look.w[at]).sum())
    if inside == 0 or left > _REST * inside + worth(here.size, 1):
        return
    squares = float((here * here).sum())
    share = max(0.0, 1 - float((rest * rest).sum()) / squares)
    yield Explanation(hypothesis.name, hypothesis.detail, look.energy * left / inside, worth(0, 64), lambda: share)
