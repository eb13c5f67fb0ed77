"""Who is wrong: two engines and a third voice, which is usually numpy in float64 over dequantised weights.

Two that agree within rounding outvote one that agrees with neither. Where the voices fall into camps without a majority, or the
third voice is too rough to tell, nobody is accused, and the reason says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.parity.null import ALPHA, limit, split, tests
from apr.parity.result import Vote

if TYPE_CHECKING:
    from apr.capture import Array
    from apr.parity.null import Null
    from apr.parity.result import Culprit

JUDGE = "numpy:f64"
# a difference so far beyond rounding that it does not matter whether a third pair's coarser null model hides it
_CLEAR = 4.0
_PAIRS = 3  # that a vote takes, and that share its alpha


class Pair(NamedTuple):
    """Two voices.

    Attributes:
        excess: the clearest of the null model's tests over its limit; above 1 the two disagree.
        distance: RMS of the difference over that of the second voice; NaN where one is not finite and the other is.
    """

    excess: float
    distance: float

    @property
    def disagree(self) -> bool:
        """Whether the difference is more than rounding."""
        return not self.excess <= 1


def pair(a: Array, b: Array, null: Null) -> Pair:
    """How far two results of one stage on the same inputs are apart.

    Args:
        a: [T, C].
        b: [T, C].
        null: by how much the two may differ; all of it counts, since errors that a row's elements share are no error either.

    Returns:
        Beyond 1 where a test is beyond its limit. Of an honest pair one is with probability `ALPHA` / 3 at most: a vote takes
        three pairs.

    Raises:
        ValueError: the shapes differ, or there is nothing in them.
    """
    one, other = np.asarray(a), np.asarray(b)
    with np.errstate(all="ignore"):  # what is not finite is told by the tests
        if one.dtype != other.dtype:  # bits are compared as the narrower one holds them
            one, other = one.astype(np.float32), other.astype(np.float32)
        each = split(ALPHA, _PAIRS)
        ratios = [test.value / limit(test, each) for test in tests(one, other, null)]
        y = np.where(np.isfinite(other), other, 0.0).astype(np.float64)
        d = np.where((one == other) | (np.isnan(one) & np.isnan(other)), 0.0, one.astype(np.float64) - other)
        squares, size = float(np.vdot(d, d)), float(np.vdot(y, y))
        distance = float(np.sqrt(squares / size)) if squares and size else float("inf") if squares else 0.0
    excess = float("inf") if any(np.isnan(ratio) for ratio in ratios) else max(ratios)
    return Pair(excess, distance if np.isfinite(d).all() else float("nan"))


def vote(
    subject: Array,
    oracle: Array,
    third: Array,
    null_so: Null,
    null_st: Null,
    null_ot: Null,
    *,
    third_name: str = JUDGE,
) -> Vote:
    """Who is wrong at a stage that three have computed from the same inputs.

    Args:
        subject: [T, C].
        oracle: [T, C].
        third: [T, C].
        null_so: by how much subject and oracle may differ.
        null_st: subject and third.
        null_ot: oracle and third.
        third_name: how sentences call the third.

    Returns:
        `subject` or `oracle` where the two others agree; `both` where neither agrees with anybody; else `undecided`. Among
        three that are correct anybody disagrees with probability `apr.parity.null.ALPHA` at most.

    Raises:
        ValueError: the shapes differ.
    """
    so, st, ot = pair(subject, oracle, null_so), pair(subject, third, null_st), pair(oracle, third, null_ot)
    distances = {
        "subject to oracle": so.distance,
        f"subject to {third_name}": st.distance,
        f"oracle to {third_name}": ot.distance,
    }
    return Vote(*_decide(so, st, ot, third_name), distances)


def _decide(so: Pair, st: Pair, ot: Pair, third: str) -> tuple[Culprit, str]:
    """Culprit and sentence."""
    if st.disagree and ot.disagree:
        return _third_differs(so, st, ot, third)
    if st.disagree and (so.disagree or st.excess > _CLEAR):
        far = f"the subject is {st.excess:.3g} times beyond rounding from {third}"
        return "subject", f"oracle and {third} agree, {far}"
    if ot.disagree and (so.disagree or ot.excess > _CLEAR):
        far = f"the oracle is {ot.excess:.3g} times beyond rounding from {third}"
        return "oracle", f"subject and {third} agree, {far}"
    if st.disagree or ot.disagree:
        return "undecided", "the three differences contradict each other: all lie at the edge of rounding"
    if so.disagree:
        nearer = "subject" if st.excess < ot.excess else "oracle"
        return "undecided", (
            f"two camps without a majority: subject and oracle differ ({so.excess:.3g} times beyond rounding), and {third} is "
            f"within its own rounding of both, a little nearer to the {nearer}"
        )
    return "undecided", f"nobody: subject, oracle and {third} agree within rounding"


def _third_differs(so: Pair, st: Pair, ot: Pair, third: str) -> tuple[Culprit, str]:
    far = f"{st.excess:.3g} and {ot.excess:.3g} times beyond rounding"
    if so.disagree:
        return "both", f"neither subject nor oracle agrees with {third} ({far}), nor with the other"
    return "undecided", (
        f"two camps without a majority for {third}: subject and oracle agree with each other and not with it ({far})"
    )
