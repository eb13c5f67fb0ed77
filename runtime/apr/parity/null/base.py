"""What a null model says of one stage, and the tests that are made with it.

A null model gives every element of a stage a proxy tau: the honest difference of two correct implementations at that element
is a sum of many bounded rounding errors, so it is sub-Gaussian, P(|d| > t) <= 2 exp(-t^2 / (2 tau^2)) (Hoeffding 1963; Higham and
Mary 2019, theorem 2.4). Where tau is 0 every bit must agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TestName = Literal["element", "position", "channel", "stage", "gain", "bias"]


class Null(NamedTuple):
    """How far two correct implementations of one stage may be apart.

    Attributes:
        proxy: [positions, width] float64, tau of each element; 0 where every bit must agree.
        rank: [positions] float64, how many independent errors the elements of a row are made of: width over the greatest
            eigenvalue of the covariance proxy of d / tau (Vershynin 2018, 7.6.1, calls it the stable dimension); None where each
            has its own.
        because: what it is made of, for people: `sums of 18 blocks in float32`, `activations rounded to Q8_1`.
        along: [2, positions] float64, how much greater the variance of gain and of bias is for a row than with independent
            errors; None where nothing sharper than width / rank is known.
        ranking: [2, positions, candidates] float64, of a stage of ids in order of something's size, see `apr.parity.null.ranking`:
            which ids may stand where tau is infinite. None of other stages.
    """

    proxy: NDArray[np.float64]
    rank: NDArray[np.float64] | None
    because: tuple[str, ...]
    along: NDArray[np.float64] | None = None
    ranking: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Test:
    """One statistic of one stage, the worst of its trials, with all that is needed to judge it again under another alpha.

    Attributes:
        name: `element`: the greatest |d| / tau. `position`, `channel`, `stage`: the root mean square of d / tau over a row, a column,
            everything. `gain`: |sum(d y / tau^2)| / sqrt(sum(l y^2 / tau^2)), y the expected value, l the greatest eigenvalue of the
            row, 1 where its errors are independent. `bias`: the same with 1 for y.
        value: in units of the null model; infinite where something differs that must not, NaN where a NaN is involved.
        count: independent errors behind the mean of squares; 1 for element, gain and bias.
        trials: of how many tests of this kind the value is the worst: elements, positions, channels, or 1.
        unit: what a value of 1 stands for: an absolute difference for `element` and `bias`, else relative RMS against the reference
            (of the row, the column, the stage).
        position, channel: where it is worst; None where the test has no such place.
        reach: the relative error that moves the value by 1 at a place of median size: of everything for `gain`, of a position or a
            channel; for `bias` and `element` relative to the stage's RMS. 0 where every bit must agree, infinite where no size of an error is judged.
    """

    name: TestName
    value: float
    count: int
    trials: int
    unit: float
    position: int | None = None
    channel: int | None = None
    reach: float = 0.0
