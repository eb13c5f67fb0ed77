"""Who is wrong: two engines and a third voice, which is usually numpy in float64 over dequantised weights.

Two that agree within rounding outvote one that agrees with neither. Where the voices fall into camps without a majority, or the
third voice is too rough to tell, nobody is accused, and the reason says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from apr.parity.kinds.look import ALPHA, check_shapes, excess, look
from apr.parity.kinds.values import not_finite
from apr.parity.result import Vote

if TYPE_CHECKING:
    from apr.capture import Array
    from apr.parity.result import Culprit

JUDGE = "numpy:f64"
# a difference so far beyond rounding that it does not matter whether a third pair's coarser null model hides it
_CLEAR = 4.0


class Pair(NamedTuple):
    """Two voices.

    Attributes:
        excess: the clearest statistic over what honest rounding reaches with probability alpha; above 1 the two disagree.
        distance: RMS of the difference over that of the second voice; NaN where one is not finite and the other is.
    """

    excess: float
    distance: float

    @property
    def disagree(self) -> bool:
        """Whether the difference is more than rounding."""
        return not self.excess <= 1


def pair(a: Array, b: Array, tau: Array) -> Pair:
    """How far two results of one stage on the same inputs are apart.

    Args:
        a: [T, C].
        b: [T, C].
        tau: [T, C] proxy of the null model between these two; 0 where every bit must agree.

    Raises:
        ValueError: the shapes differ.
    """
    check_shapes(a, b, tau)
    if not_finite(a, b) is not None:
        return Pair(float("inf"), float("nan"))
    at = look(a, b, tau)
    if at.energy == 0:
        return Pair(0.0, 0.0)
    size = float(np.vdot(at.expected, at.expected))
    distance = float("inf") if size == 0 else float(np.sqrt(at.squares / size))
    return Pair(float("inf") if at.must else excess(at.d, at.expected, at.w), distance)


def vote(
    subject: Array,
    oracle: Array,
    third: Array,
    tau_so: Array,
    tau_st: Array,
    tau_ot: Array,
    *,
    third_name: str = JUDGE,
) -> Vote:
    """Who is wrong at a stage that three have computed from the same inputs.

    Args:
        subject: [T, C].
        oracle: [T, C].
        third: [T, C].
        tau_so: [T, C] proxy of the null model between subject and oracle.
        tau_st: between subject and third.
        tau_ot: between oracle and third.
        third_name: how sentences call the third.

    Returns:
        `subject` or `oracle` where the two others agree; `both` where neither agrees with anybody; else `undecided`. Each of the
        three disagreements is found in a correct pair with probability `apr.parity.kinds.look.ALPHA` at most.

    Raises:
        ValueError: the shapes differ.
    """
    so, st, ot = pair(subject, oracle, tau_so), pair(subject, third, tau_st), pair(oracle, third, tau_ot)
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


def vote_by_judge(
    *,
    subject_beyond: bool | None,
    oracle_beyond: bool | None,
    subject_excess: float | None = None,
    oracle_excess: float | None = None,
    judge: str = JUDGE,
) -> Vote:
    """Who is wrong where each side was judged on its own inputs, because the subject cannot be fed with others.

    Args:
        subject_beyond: whether the judge's operation on the subject's own inputs disagrees with it; None where that could not be
            judged.
        oracle_beyond: the same of the oracle.
        subject_excess: how many times beyond its bound, for the sentence.
        oracle_excess: the same of the oracle.
        judge: how the sentence calls the judge.
    """
    ours = "" if subject_excess is None else f" ({subject_excess:.3g} times beyond its bound)"
    theirs = "" if oracle_excess is None else f" ({oracle_excess:.3g} times beyond its bound)"
    match subject_beyond, oracle_beyond:
        case True, False:
            return Vote(
                "subject",
                f"{judge} on the subject's own inputs disagrees with it{ours}, and agrees with the oracle on the oracle's",
            )
        case False, True:
            return Vote(
                "oracle",
                f"{judge} on the oracle's own inputs disagrees with it{theirs}, and agrees with the subject on the subject's",
            )
        case True, True:
            return Vote(
                "both", f"{judge} disagrees with the subject{ours} and with the oracle{theirs}, each on its own inputs"
            )
        case False, False:
            return Vote(
                "undecided",
                f"{judge} agrees with both sides, each on its own inputs: what differs came in from before",
            )
    if subject_beyond is None and oracle_beyond is None:
        return Vote("undecided", f"neither side could be judged by {judge} on its own inputs")
    absent = "subject" if subject_beyond is None else "oracle"
    return Vote("undecided", f"the {absent} could not be judged by {judge} on its own inputs")


__all__ = ["ALPHA", "JUDGE", "Pair", "pair", "vote", "vote_by_judge"]
