"""Ids that stand in order of something's size, which two implementations compute a little differently: what both orders may be.

A ranking is [2, positions, candidates]: sizes, and the squares of what each may be off. Two candidates may stand in either order if
their sizes are no further apart than the root of the sum of their squares; of two that are further apart the greater comes first.
A row of ids is honest if that holds of every pair of which one stands in it. Whatever is not finite is near nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]


def _at(ranking: Doubles, ids: NDArray[np.intp]) -> Doubles:
    """[2, positions, 1] of one candidate a row."""
    return np.take_along_axis(ranking, np.stack([ids, ids])[..., None], axis=-1)


def _margin(one: Doubles, ranking: Doubles) -> Doubles:
    """[positions, candidates]: how far two may be apart that stand in either order; NaN where nobody knows."""
    margin = np.sqrt(one[1] + ranking[1])
    return np.where(np.isfinite(margin), margin, np.nan)


def _above(one: Doubles, ranking: Doubles) -> Doubles:
    """[positions, candidates]: by how much each is greater than one."""
    with np.errstate(invalid="ignore"):  # two that are infinite are no known distance apart
        above: Doubles = ranking[0] - one[0]
    return above


def open_ranks(ranking: Doubles, used: int) -> NDArray[np.bool_]:
    """[positions, used]: at which ranks more than one candidate could stand.

    Who is near nobody has a rank of its own: roots of sums of squares keep the triangle inequality, so of two that may change places
    one at least may change places with whoever is between them.
    """
    out = np.zeros((ranking.shape[1], used), bool)
    order = np.argsort(-ranking[0], axis=-1, kind="stable")[:, :used]
    for rank in range(used):
        one = _at(ranking, order[:, rank])
        near = np.abs(_above(one, ranking)) <= _margin(one, ranking)
        out[:, rank] = near.sum(axis=-1) > 1  # itself is near itself
    return out


def misplaced(ids: NDArray[np.floating[Any]], ranking: Doubles) -> NDArray[np.bool_]:
    """[positions, used]: which ids cannot honestly stand where they stand.

    Either they are no candidate's, or they stood there before, or one that is surely greater does not stand before them.

    Args:
        ids: [positions, used].
        ranking: see above.
    """
    count = ranking.shape[-1]
    known = np.isin(ids, np.arange(count))
    whole = np.where(known, ids, 0).astype(np.intp)
    out = np.empty(ids.shape, bool)
    placed = np.zeros(ranking.shape[1:], bool)
    rows = np.arange(len(ids))
    for rank in range(ids.shape[1]):
        here, there = whole[:, rank], known[:, rank]
        one = _at(ranking, here)
        may_follow = _above(one, ranking) <= _margin(one, ranking)
        out[:, rank] = ~there | placed[rows, here] | ~(may_follow | placed).all(axis=-1)
        placed[rows[there], here[there]] = True
    return out
