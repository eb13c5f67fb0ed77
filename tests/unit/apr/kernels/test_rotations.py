"""Rotations against complex numbers, and stretched frequencies against the papers' definitions written out in loops."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from apr.kernels import (
    llama3_frequencies,
    rope_frequencies,
    rope_linear,
    rope_llama3,
    rope_neox,
    rope_norm,
    rope_partial,
    rope_yarn,
    yarn_frequencies,
)

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

RNG = np.random.Generator(np.random.PCG64(17))
X = RNG.standard_normal((5, 2, 8))
POSITIONS = np.array([0, 1, 7, 4095, 2])  # in any order
THETA = 500.0


def turned(pairs: NDArray[np.complex128], frequencies: NDArray[np.float64]) -> NDArray[np.complex128]:
    """[positions, heads, pairs]: a pair is a complex number, a rotation the product with e^(i a)."""
    angle = POSITIONS[:, None].astype(np.float64) * frequencies
    out: NDArray[np.complex128] = pairs * np.exp(1j * angle)[:, None, :]
    return out


def halves(x: NDArray[Any]) -> NDArray[np.complex128]:
    middle = x.shape[-1] // 2
    out: NDArray[np.complex128] = x[..., :middle] + 1j * x[..., middle:]
    return out


def neighbours(x: NDArray[Any]) -> NDArray[np.complex128]:
    out: NDArray[np.complex128] = x[..., 0::2] + 1j * x[..., 1::2]
    return out


def powers(dims: int, theta: float = THETA) -> NDArray[np.float64]:
    return np.array([theta ** (-2 * pair / dims) for pair in range(dims // 2)])


def test_frequencies_are_powers() -> None:
    assert np.allclose(rope_frequencies(8, THETA), powers(8), rtol=1e-15)


def test_pairs_turn_as_complex_numbers() -> None:
    assert np.allclose(neighbours(rope_norm(X, POSITIONS, THETA)), turned(neighbours(X), powers(8)), atol=1e-11)
    assert np.allclose(halves(rope_neox(X, POSITIONS, THETA)), turned(halves(X), powers(8)), atol=1e-11)


def test_a_part_of_a_head_turns_as_a_smaller_head() -> None:
    got = rope_partial(X, POSITIONS, THETA, 4)
    assert np.allclose(halves(got[..., :4]), turned(halves(X[..., :4]), powers(4)), atol=1e-11)
    assert (got[..., 4:] == X[..., 4:]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept_and_x_left_alone(dtype: Any) -> None:
    x = X.astype(dtype)
    before = x.copy()
    made = [rope_norm(x, POSITIONS, THETA), rope_neox(x, POSITIONS, THETA), rope_partial(x, POSITIONS, THETA, 4)]
    made += [rope_linear(x, POSITIONS, THETA, 4.0), rope_yarn(x, POSITIONS, THETA, 4.0, 512)]
    made += [rope_llama3(x, POSITIONS, THETA, 8.0, 512, 1.0, 4.0)]
    assert {one.dtype for one in made} == {np.dtype(dtype)}
    assert (x == before).all()


def test_interpolation_turns_by_fractions_of_positions() -> None:
    assert np.allclose(halves(rope_linear(X, POSITIONS, THETA, 4.0)), turned(halves(X), powers(8) / 4), atol=1e-11)


def yarn(dims: int, theta: float, factor: float, original: int) -> list[float]:
    """Peng et al. 2023, definition 2, with the ends of the ramp at whole pairs, as their code has it."""
    start, end = (dims * math.log(original / (2 * math.pi * turns)) / (2 * math.log(theta)) for turns in (32, 1))
    first, last = max(math.floor(start), 0), min(math.ceil(end), dims - 1)
    made = []
    for pair, plain in enumerate(powers(dims, theta).tolist()):
        divided = min(max((pair - first) / (last - first), 0.0), 1.0)
        made.append(plain * (1 - divided) + plain / factor * divided)
    return made


@pytest.mark.parametrize(("dims", "theta", "factor", "original"), [(64, 10000.0, 4.0, 2048), (128, 1e6, 16.0, 32768)])
def test_yarn_mixes_frequencies(dims: int, theta: float, factor: float, original: int) -> None:
    got = yarn_frequencies(dims, theta, factor, original)
    assert np.allclose(got, yarn(dims, theta, factor, original), rtol=1e-14)
    assert got[0] == 1
    assert got[-1] == pytest.approx(powers(dims, theta)[-1] / factor)


def test_yarn_rotates_by_its_frequencies_and_grows() -> None:
    expected = turned(halves(X), np.array(yarn(8, THETA, 4.0, 512))) * (1 + 0.1 * math.log(4))
    assert np.allclose(halves(rope_yarn(X, POSITIONS, THETA, 4.0, 512)), expected, atol=1e-11)


def test_llama3_divides_by_what_converters_store(maker: ModuleType) -> None:
    divisors = np.array(maker.llama3_divisors(128, 500000.0, 8192, factor=32.0, low=1.0, high=4.0))
    expected = powers(128, 500000.0) / divisors.astype(np.float32)
    assert np.allclose(llama3_frequencies(128, 500000.0, 32.0, 8192, 1.0, 4.0), expected, rtol=2.0**-23)
    assert len(set(divisors.tolist())) > 4, "there is a ramp"


def test_llama3_rotates_by_its_frequencies() -> None:
    frequencies = llama3_frequencies(8, THETA, 8.0, 512, 1.0, 4.0)
    got = rope_llama3(X, POSITIONS, THETA, 8.0, 512, 1.0, 4.0)
    assert np.allclose(halves(got), turned(halves(X), frequencies), atol=1e-11)
    assert not np.allclose(frequencies, powers(8), rtol=1e-3)
