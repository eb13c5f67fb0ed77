"""Scaled rotations against their definitions, and ggml's float32 angles against what they round."""

from __future__ import annotations

import dataclasses
import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.ops.rope import Rope, Yarn, angles, angles_ggml, rotate, turns

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

RNG = np.random.Generator(np.random.PCG64(5))
POSITIONS = np.array([0, 1, 63, 64, 500, 4000])
PLAIN = Rope("neox", 10000.0, 64)
ROPES = {
    "plain": PLAIN,
    "linear": dataclasses.replace(PLAIN, factor=4.0),
    "divisors": dataclasses.replace(PLAIN, divisors=tuple(np.linspace(1, 8, 32).astype(np.float32).tolist())),
    "yarn": dataclasses.replace(PLAIN, factor=4.0, yarn=Yarn(64)),
    "yarn-wide": Rope("norm", 1000000.0, 128, 8.0, None, Yarn(32768)),
}


def rotated(x: NDArray[Any], angle: NDArray[np.float64], rope: Rope) -> NDArray[Any]:
    return rotate(x, turns(angle, rope, x.dtype), rope)


def frequency(pair: int, rope: Rope) -> float:
    """Of one pair, from the papers."""
    plain: float = rope.theta ** (-2 * pair / rope.dims)
    if rope.divisors is not None:
        plain /= rope.divisors[pair]
    yarn = rope.yarn
    if yarn is None:
        return plain / rope.factor

    def pair_that_turns(times: float) -> float:
        # Peng et al. 2023, equation for d: the dimension whose wave fits `times` into the original context
        return rope.dims * math.log(yarn.original_context / (2 * math.pi * times)) / (2 * math.log(rope.theta))

    start = max(math.floor(pair_that_turns(32)), 0)
    end = min(math.ceil(pair_that_turns(1)), rope.dims - 1)
    interpolated = min(max((pair - start) / (end - start), 0), 1)
    return plain * (1 - interpolated) + plain / rope.factor * interpolated


@pytest.mark.parametrize("name", ROPES)
def test_angles_are_their_formula(name: str) -> None:
    rope = ROPES[name]
    got = angles(POSITIONS, rope)
    expected = [[position * frequency(pair, rope) for pair in range(rope.dims // 2)] for position in POSITIONS.tolist()]
    assert np.allclose(got, expected, rtol=1e-12, atol=0)


@pytest.mark.parametrize("name", ROPES)
def test_ggml_angles_are_the_same_up_to_float32(name: str) -> None:
    """Pair i has i + 1 roundings behind it, and the factor between pairs is itself rounded: at most (2 i + 4) u relative."""
    rope = ROPES[name]
    exact, got = angles(POSITIONS, rope)[1:], angles_ggml(POSITIONS, rope)[1:]
    off = np.abs(got / exact - 1)
    assert off.max() > 0, "float32 rounds"
    assert (off <= (2 * np.arange(rope.dims // 2) + 4) * 2.0**-24).all()
    assert (got.astype(np.float32) == got).all()


def test_yarn_keeps_fast_pairs_and_divides_slow_ones() -> None:
    ratio = angles(np.array([1]), ROPES["yarn"])[0] / angles(np.array([1]), PLAIN)[0]
    assert ratio[0] == 1
    assert np.allclose(ratio[9:], 0.25)
    assert (np.diff(ratio[:10]) < 0).all()


def test_yarn_stretches_sine_and_cosine() -> None:
    assert ROPES["yarn"].magnitude == pytest.approx(0.1 * math.log(4) + 1)
    assert dataclasses.replace(PLAIN, yarn=Yarn(64)).magnitude == 1, "not stretched at all"
    assert dataclasses.replace(PLAIN, factor=4.0, yarn=Yarn(64, 0.5)).magnitude == pytest.approx(0.5693147)
    assert ROPES["linear"].magnitude == 1
    x = RNG.standard_normal((1, 1, 64))
    turned = rotated(x, angles(np.array([7]), ROPES["yarn"]), ROPES["yarn"])
    assert np.linalg.norm(turned) == pytest.approx(np.linalg.norm(x) * ROPES["yarn"].magnitude)


def test_halves_and_neighbours_are_one_rotation_of_reordered_rows() -> None:
    """GGUF's converter reorders the rows of a llama's queries and keys so that halves become neighbours."""
    halves = RNG.standard_normal((3, 2, 64))
    neighbours = halves.reshape(3, 2, 2, 32).swapaxes(2, 3).reshape(3, 2, 64)
    angle = angles(np.array([1, 5, 9]), PLAIN)
    turned = rotated(halves, angle, PLAIN)
    other = rotated(neighbours, angle, dataclasses.replace(PLAIN, kind="norm"))
    assert (turned.reshape(3, 2, 2, 32).swapaxes(2, 3).reshape(3, 2, 64) == other).all()
    assert (turned != rotated(halves, angle, dataclasses.replace(PLAIN, kind="norm"))).any()


def test_only_the_rotated_dimensions_change() -> None:
    rope = Rope("neox", 10000.0, 32)
    x = RNG.standard_normal((2, 1, 48))
    turned = rotated(x, angles(np.array([3, 4]), rope), rope)
    assert (turned[..., 32:] == x[..., 32:]).all()
    assert (turned[..., :32] != x[..., :32]).all()


def test_a_score_depends_on_the_distance_alone() -> None:
    """What rotation is for (Su et al. 2021): the product of a query at m and a key at n depends on m - n."""
    q, k = RNG.standard_normal((2, 1, 1, 64))
    for rope in ROPES.values():
        wide = dataclasses.replace(rope, dims=64, divisors=rope.divisors)

        def score(m: int, n: int, rope: Rope = wide) -> float:
            turned_q, turned_k = (rotated(x, angles(np.array([at]), rope), rope) for x, at in ((q, m), (k, n)))
            return float((turned_q * turned_k).sum())

        assert score(20, 13) == pytest.approx(score(107, 100), rel=1e-9)
        assert score(20, 13) != pytest.approx(score(20, 14), rel=1e-3)


def test_llama3_divides_slow_pairs_alone(maker: ModuleType) -> None:
    divisors = maker.llama3_divisors(64, 10000.0, 64)
    assert divisors[0] == 1
    assert divisors[-1] == 8
    assert all(a <= b for a, b in itertools.pairwise(divisors))
    assert 1 < min(d for d in divisors if d > 1) < 8, "some between"


def test_a_factor_below_one_makes_nothing_larger() -> None:
    assert dataclasses.replace(PLAIN, factor=0.5, yarn=Yarn(64)).magnitude == 1.0
    assert dataclasses.replace(PLAIN, factor=4.0, yarn=Yarn(64)).magnitude == pytest.approx(1 + 0.1 * math.log(4))


def test_the_ramp_ends_at_the_last_dimension_and_never_has_no_width() -> None:
    # so long an original context that the slow end lies beyond the last dimension, which ggml and YaRN's authors clamp
    beyond = Rope("neox", 10000.0, 8, 4.0, None, Yarn(10**9))
    fast, slow = (8 * math.log(10**9 / (turns_ * 2 * math.pi)) / (2 * math.log(10000.0)) for turns_ in (32.0, 1.0))
    assert slow > 7
    low, high = max(0, math.floor(fast)), 7
    for pair, seen in enumerate(angles(np.array([1]), beyond)[0]):
        plain = 10000.0 ** (-2 * pair / 8)
        kept = 1 - min(1.0, max(0.0, (pair - low) / max(0.001, high - low)))
        assert seen == pytest.approx(plain / 4 * (1 - kept) + plain * kept, rel=1e-12)
    # so short an original context that both ends are 0: a step, not a division by nothing
    step = Rope("neox", 10000.0, 8, 4.0, None, Yarn(1))
    assert angles(np.array([1]), step)[0] == pytest.approx(
        [1.0, *(10000.0 ** (-2 * pair / 8) / 4 for pair in (1, 2, 3))]
    )
