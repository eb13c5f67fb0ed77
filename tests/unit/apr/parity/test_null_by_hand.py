"""One small example of each family of null models whose proxy can be worked out on paper, from above and from below.

That honest engines stay within their limits does not show that the limits are no wider than they have to be: a proxy ten times too
great passes. Here a test's docstring derives the square of the proxy in u^2, and the model must give that and nothing else.
`EXP` is 5.04 u, so EXP^2 is 25.4016 u^2.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.formats.gguf import read_gguf
from apr.ops.rope import Rope
from apr.parity.null import sums
from apr.parity.null.attention import spread_of_attention
from apr.parity.null.base import Test as Statistic
from apr.parity.null.elementwise import rank_of_silu, variance_of_addition, variance_of_silu
from apr.parity.null.limits import limit, root_mean_square
from apr.parity.null.norms import rank_of_norm, variance_of_norm
from apr.parity.null.pair import EXP, Pair, U, roundings
from apr.parity.null.rotation import rank_of_rotation, variance_of_rotation
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from pathlib import Path

GGML, F64_GGML, F64_F32, F32_GGML = Pair("ggml", "ggml"), Pair("f64", "ggml"), Pair("f64", "f32"), Pair("f32", "ggml")
SIZE = 64
TENSOR = "blk.0.attn_q.weight"


def in_u(variance: Any) -> Any:
    """Squares in u^2."""
    return np.asarray(variance) / U**2


def about(expected: Any) -> Any:
    return pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("count", "x", "expected"),
    [
        (2, 18, 5.0),  # 1 + 2 * 3 + 2 * 9 = 25
        (4, 16, math.sqrt(13)),  # 1 + 2 * 2 + 2 * 4
        (100, 1, math.sqrt(1.22)),  # 1 + 2 / 10 + 2 / 100
        (10**6, 25, math.sqrt(1.01005)),  # 1 + 2 / 200 + 2 / 40000
    ],
)
def test_what_a_root_mean_square_exceeds(count: float, x: float, expected: float) -> None:
    """1 + 2 sqrt(x / n) + 2 x / n."""
    assert root_mean_square(count, x) == about(expected)
    trials = 7  # exp(-x) is what each of them may err
    test = Statistic("channel", 0.0, int(count), trials, 1.0)
    assert limit(test, trials * math.exp(-x)) == about(expected)


def test_what_one_of_many_exceeds() -> None:
    """2 N exp(-t^2 / 2) = alpha: for alpha = 2 N exp(-32) it is 8."""
    assert limit(Statistic("element", 0.0, 1, 1000, 1.0), 2000 * math.exp(-32)) == about(8.0)
    assert limit(Statistic("gain", 0.0, 1, 1, 1.0), 2 * math.exp(-32)) == about(8.0)
    assert limit(Statistic("bias", 0.0, 1, 1, 1.0), 2 * math.exp(-32)) == about(8.0)


@pytest.mark.parametrize(
    ("arithmetic", "rounding", "type_name", "judge", "expected"),
    [
        ("f64", "Q8_0", "Q8_0", True, 0),
        ("f32", "F32", "Q8_0", True, 513),  # each product is rounded, too
        ("f32", "F32", "Q8_0", False, 513),
        ("ggml", "Q8_0", "Q8_0", True, 1),
        ("ggml", "Q8_0", "Q8_0", False, 24),  # 16 blocks of 32, and 8 of `_JOIN`
        ("exact", "Q8_1", "Q4_1", True, 24),
        ("ggml", "Q8_K", "Q4_K", False, 10),  # 2 blocks of 256
        ("ggml", "Q8_0", "NVFP4", False, 40),  # 32 of 16
        ("ggml", "F16", "F16", False, 136),  # 128 in each of four lanes
    ],
)
def test_depth_of_a_sum_of_512(arithmetic: str, rounding: str, type_name: str, judge: bool, expected: float) -> None:
    assert sums.levels(arithmetic, 512, rounding, type_name, judge=judge) == expected


@pytest.fixture
def hadamard(maker: Any, tmp_path: Path) -> Any:
    """Makes weights of a type that holds them as they are: a matrix whose rows are orthogonal, of 1/8 and -1/8, 64 by 64."""

    def make(type_name: str) -> Weights:
        file = read_gguf(maker.write_model(tmp_path / f"{type_name}.gguf", maker.Spec(weights=type_name, layers=1)))
        matrix = np.ones((1, 1))
        while len(matrix) < SIZE:
            matrix = np.block([[matrix, matrix], [matrix, -matrix]])
        stored = (matrix / 8).astype({"F32": np.float32, "F16": np.float16}[type_name])
        return Weights(file).with_raw(TENSOR, stored.view(np.uint8).reshape(SIZE, -1))

    return make


@pytest.mark.parametrize(
    ("pair", "first", "others"),
    [
        # y^2 + P is 64 + 1 in the first row, 0 + 1 in the others; 65 deep, and inputs and outputs are rounded where float64 is
        (F64_F32, 66 * 65, 66),
        # 64 / 4 + 8 deep in four lanes, and 1 for the judge's own rounding, or for inputs and outputs
        (GGML, 25 * 65, 25),
        (F64_GGML, 25 * 65, 25),
        (F32_GGML, (65 + 24) * 65, 65 + 24),
    ],
)
def test_a_sum_of_64_ones(hadamard: Any, pair: Pair, first: float, others: float) -> None:
    """x = 1, rows of 1/8 and -1/8: y = 8 or 0, P = 64 / 64."""
    variance = sums.variance_of_sums(pair, np.ones((1, SIZE), np.float32), hadamard("F32"), TENSOR)
    assert in_u(variance[0]) == about([first] + [others] * 63)


def test_activations_rounded_to_float16(hadamard: Any) -> None:
    """Half an ulp of 1 is 2^-11, so tau^2 is 2^-22 sum(w^2) = 2^-22, and 25 (y^2 + P) u^2 as above: 2^26 + 25 or more."""
    variance = sums.variance_of_sums(F64_GGML, np.ones((1, SIZE), np.float32), hadamard("F16"), TENSOR)
    assert in_u(variance[0]) == about([2.0**26 + 25 * 65] + [2.0**26 + 25] * 63)


def test_a_spectrum_that_is_flat_is_bounded_by_a_few_times_its_height(hadamard: Any) -> None:
    """Outputs of orthogonal rows have independent errors: R = 1, and every eigenvalue is 1.

    |R^4 g|^2 is then |g|^2 for each of the four starts, chi-squared with 64 degrees of freedom; the greatest of four of them
    is between 60 and 110 (each is within 64 +- 4 sqrt(128), and the seed stands). The bound is the eighth root of that over
    pi / 2 * 1e-4, 4.98 to 5.37, and 1 for what is independent. Without the allowance for unlucky starts it were 2.7 to 2.8.
    """
    top = sums.spread_of_rows(F64_GGML, np.ones((3, SIZE), np.float32), hadamard("F16"), TENSOR)
    least, most = ((size / (math.pi / 2 * 1e-4)) ** (1 / 8) + 1 for size in (60, 110))
    assert (least < top).all()
    assert (top < most).all()
    assert (sums.spread_of_rows(GGML, np.ones((3, SIZE), np.float32), hadamard("F16"), TENSOR) == 1).all()


@pytest.mark.parametrize(
    ("pair", "shared", "own"),
    [
        (F64_F32, 67 / 4 + 2, 4),  # two products, and what is rounded on the way to float64 and back
        (F64_GGML, 3.75, 4),
        (F32_GGML, 67 / 4 + 2 + 3.75, 4),  # two products on each side
    ],
)
def test_a_norm_over_64(pair: Pair, shared: float, own: float) -> None:
    """(n + 3) / 4 + 2 of float32 sums, 3.75 of ggml's, for the row; of a width of 128 two groups are independent."""
    y = np.full((1, 128), 3.0)
    assert in_u(variance_of_norm(pair, y, SIZE)) == about(np.full((1, 128), 9 * (shared + own)))
    rank = rank_of_norm(pair, y, SIZE)
    assert rank is not None
    assert rank[0] == about(128 * (shared + own) / (64 * shared + own))


def test_attention_to_two_keys() -> None:
    """q = (1, 0, ...), both keys (2, 0, ...), scale 1/2: s = 1 and p = 1/2 for each, v = 1 and -1: y = 0.

    A score is 8 products deep: in four lanes, 2 and 8 to join; and 1 for the judge. eta^2 is 11 (s^2 + 1) for the sums and for each
    of two sides s^2 + 0 + 2 + EXP^2, so 28 + 50.8032, and sum p^2 eta^2 (v - y)^2 is half of that. The mix of two is 3 deep and 1:
    4 (0 + 2 / 4) = 2.
    """
    q, k, v = np.zeros((1, 1, 8)), np.zeros((2, 1, 8)), np.ones((2, 1, 8))
    q[..., 0], k[..., 0], v[1] = 1, 2, -1
    made = spread_of_attention(GGML, q, k, v, np.ones((1, 2), bool), 0.5)
    scores = (28 + 2 * 5.04**2) / 2
    assert in_u(made.variance) == about(np.full((1, 8), scores + 2))
    # what all channels share, over everything, times the channels; 1 for the rest
    assert made.top == about([8 * scores / (scores + 2) + 1])


def test_attention_to_sixteen_keys_of_one_value() -> None:
    """v = 1 whatever the scores are: what is left is the mix, 16 / 4 + 8 deep and 1 for the judge: 13 (1 + 16 / 256)."""
    q, k, v = np.zeros((1, 1, 8)), np.zeros((16, 1, 8)), np.ones((16, 1, 8))
    made = spread_of_attention(GGML, q, k, v, np.ones((1, 16), bool), 0.5)
    assert in_u(made.variance) == about(np.full((1, 8), 13 * 17 / 16))
    # in float32 one after the other and a product each: 17; the other side is float64, so 2 more for inputs and outputs
    plain = spread_of_attention(F64_F32, q, k, v, np.ones((1, 16), bool), 0.5)
    assert in_u(plain.variance) == about(np.full((1, 8), 19 * 17 / 16))


def test_an_addition() -> None:
    """1 + 2 = 3 rounds two inputs and the result where float64 meets float32: 1 + 4 + 9."""
    one, two = np.array([[1.0]]), np.array([[2.0]])
    assert in_u(variance_of_addition(F64_GGML, one + two, one, two)) == about(np.full((1, 1), 14.0))


def test_a_rounding_of_what_is_all_but_nothing() -> None:
    """Below 2^-126 a result is off by 2^-150 at most, whatever its size; a sum of zeros is exact."""
    assert in_u(roundings(3, np.array([4.0]))) == about([12.0])
    assert roundings(3, np.array([2.0**-290, 0.0])) * 2.0**300 == about([3 * (2.0**-38 + 1), 0])


@pytest.mark.parametrize(("pair", "own"), [(GGML, 2), (F64_GGML, 3), (Pair("ggml", "f64"), 4), (F32_GGML, 2)])
def test_silu(pair: Pair, own: float) -> None:
    """At 0 half of an exponential's error comes through: (EXP / 2)^2 and 2 for its addition and division.

    Besides 1 for a side in float32, 1 for the judge if it rounds, 2 where float64 meets float32.
    """
    y = np.full((1, 4), 3.0)
    exponential = 5.04**2 / 4 + 2 if pair.other != "f64" else 0.0
    assert in_u(variance_of_silu(pair, np.zeros((1, 4)), y)) == about(np.full((1, 4), 9 * (own + exponential)))
    rank = rank_of_silu(pair, y)
    assert (None if rank is None else rank.tolist()) == (None if pair.other == "f64" else [1.0])
    assert about(5.04 * U) == EXP


def test_a_rotation_whose_angles_differ_counts_as_one_error() -> None:
    """At position 0 every angle is 0 in any arithmetic; beyond, all heads turn by the same wrong angle."""
    rope, y = Rope("neox", 12345.0, 4), np.ones((2, 3, 6))
    y[:, :, 2:4] = 0.0
    positions = np.array([0, 100])
    assert rank_of_rotation(GGML, y, positions, rope).tolist() == [6, 6]
    assert rank_of_rotation(F64_GGML, y, positions, rope).tolist() == [6, 1]
    assert rank_of_rotation(F64_F32, y, positions, rope).tolist() == [6, 1]
    # at position 0 the one product of either side and its sine, one result each; of float64 an input and an output more
    both = in_u(variance_of_rotation(GGML, y, positions[:1], rope))[0, 0]
    assert both == about([2 * (1 + 1.13**2) + 2] * 2 + [0] * 4)
    mixed = in_u(variance_of_rotation(F64_F32, y, positions[:1], rope))[0, 0]
    assert mixed == about([1 + 2.0**2 + 1 + 2] * 2 + [0] * 2 + [1] * 2)
