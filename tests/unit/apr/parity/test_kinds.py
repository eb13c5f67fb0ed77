"""Each kind of error is planted just above the noise, and named; noise alone is not."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from apr.parity.kinds import KINDS, Hypothesis, kind_of
from apr.parity.kinds.look import Look, worth
from apr.parity.kinds.values import significant_bits, to_bits

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.capture import Array

    Real = NDArray[np.float64]

T, K, C, HEAD = 24, 64, 96, 16
TAU = 1e-4
RNG = np.random.default_rng(7)
X = RNG.standard_normal((T, K))
W = RNG.standard_normal((C, K)) / 8
Y = X @ W.T
PROXY = np.full(Y.shape, TAU)
NOISE = TAU * RNG.standard_normal(Y.shape)


def weight(channels: NDArray[np.intp]) -> tuple[Real, int]:
    return W[channels], 32


def name(seen: Array, expected: Array = Y, tau: Real = PROXY, **facts: Any) -> str:
    kind = kind_of(seen, expected, tau, **{"inputs": X, "weight": weight, "heads": HEAD, **facts})
    return "none" if kind is None else kind.name


def just_above(pattern: Real, freedom: float = 1, choices: float = 1e5) -> Real:
    """The pattern, as large that it explains four times of what noise lets its kind explain."""
    size = np.sqrt(4 * worth(freedom, choices) / (np.square(pattern).sum() / TAU**2))
    return np.asarray(Y + size * pattern + NOISE)


def only(rows: Any, columns: Any, values: Any = 1.0) -> Real:
    out = np.zeros_like(Y)
    out[rows, columns] = np.broadcast_to(values, out[rows, columns].shape)
    return out


EVERY = slice(None)
SMALL: dict[str, tuple[str, Real, float]] = {
    "gain": ("gain", Y, 1),
    "bias": ("bias", np.ones_like(Y), 1),
    "element": ("element", only(5, 6), 1),
    "one channel's gain": ("channel", only(EVERY, 7, Y[:, 7]), 1),
    "one channel's bias": ("channel", only(EVERY, 7), 1),
    "one channel, anything": ("channel", only(EVERY, 7, RNG.standard_normal(T)), T),
    "one position, anything": ("position", only(9, EVERY, RNG.standard_normal(C)), C),
    "a head's gain": ("head gain", only(EVERY, slice(32, 48), Y[:, 32:48]), 1),
    "two heads' gain": ("head gain", only(EVERY, slice(32, 64), Y[:, 32:64]), 1),
    "a head's bias": ("head bias", only(EVERY, slice(32, 48)), 1),
    "gain of later positions": ("position gain", only(slice(9, None), EVERY, Y[9:]), 1),
    "bias of each channel": ("bias by channel", np.tile(RNG.standard_normal(C), (T, 1)), C),
    # has to be more than an error that a position's elements may share
    "gain of each position": ("gain by position", RNG.standard_normal((T, 1)) * Y, 40 * T),
    "gain of each channel": ("gain by channel", RNG.standard_normal(C) * Y, C),
    "a weight": ("weight element", only(EVERY, 11, X[:, 3]), 1),
    "a block's scale": ("weight block", only(EVERY, 11, X[:, 32:] @ W[11, 32:]), 1),
    "a block's minimum": ("weight block", only(EVERY, 11, X[:, 32:].sum(axis=1)), 1),
    "a block's scale beside its minimum": ("weight block", only(EVERY, 11, X[:, 32:] @ (W[11, 32:] + 0.3)), 2),
    "an input that counts too much": ("input element", np.outer(X[:, 17], W[:, 17]), 1),
    "a block of inputs that counts too much": ("input block", X[:, 32:] @ W[:, 32:].T, 1),
}


@pytest.mark.parametrize("planted", SMALL)
def test_a_small_error_is_named(planted: str) -> None:
    expected, pattern, freedom = SMALL[planted]
    assert name(just_above(pattern, freedom)) == expected


@pytest.mark.parametrize("planted", SMALL)
def test_a_large_one_has_the_same_name(planted: str) -> None:
    expected, pattern, _ = SMALL[planted]
    assert name(Y + 0.05 * pattern + NOISE) == expected


@pytest.mark.parametrize("planted", SMALL)
def test_far_below_the_noise_nothing_is_named(planted: str) -> None:
    _, pattern, _ = SMALL[planted]
    assert name(Y + NOISE + pattern * TAU * 0.5 / np.sqrt(np.square(pattern).sum())) == "none"


def test_without_heads_a_range_of_channels_is_a_block() -> None:
    seen = just_above(only(EVERY, slice(37, 61), Y[:, 37:61]))
    assert name(seen, heads=None) == "block gain"
    assert "channels 37 to 60" in detail(just_above(30 * only(EVERY, slice(37, 61), Y[:, 37:61]), 500), heads=None)


def detail(seen: Real, **facts: Any) -> str:
    kind = kind_of(seen, Y, PROXY, **{"inputs": X, "weight": weight, "heads": HEAD, **facts})
    assert kind is not None
    return kind.detail


def columns(order: NDArray[np.intp]) -> Real:
    return np.asarray(Y[:, order])


def swapped(n: int, a: int, b: int, size: int = 1) -> NDArray[np.intp]:
    order = np.arange(n).reshape(-1, size)
    order[[a, b]] = order[[b, a]]
    return order.reshape(-1)


def turned(row: int, by: float) -> Real:
    """One position's neighbours turned as rotary embeddings with base 10000 do for another position."""
    pairs = Y.reshape(T, -1, HEAD)[..., 0::2] + 1j * Y.reshape(T, -1, HEAD)[..., 1::2]
    pairs[row] *= np.exp(1j * by * 10000.0 ** (-np.arange(HEAD // 2) / (HEAD // 2)))
    out = np.empty((T, C // HEAD, HEAD))
    out[..., 0::2], out[..., 1::2] = pairs.real, pairs.imag
    return out.reshape(T, C)


TERM = RNG.standard_normal(Y.shape)
BLOCKS = X.reshape(T, 2, 32)
MOVED: dict[str, tuple[str, Real, str]] = {
    "zeros": ("zeros", np.zeros_like(Y), "zero"),
    "sign": ("sign", -Y, "sign"),
    "heads swapped": ("permutation", columns(swapped(C, 1, 4, HEAD)), "heads 1 and 4 are swapped"),
    "channels swapped": ("permutation", columns(swapped(C, 3, 9)), "channels 3 and 9 are swapped"),
    "positions swapped": ("permutation", Y[swapped(T, 2, 5)], "positions 2 and 5 are swapped"),
    "halves": ("permutation", columns(np.arange(C).reshape(-1, HEAD // 2, 2).transpose(0, 2, 1).ravel()), "halves hold"),
    "neighbours": ("permutation", columns(np.arange(C).reshape(-1, 2, HEAD // 2).transpose(0, 2, 1).ravel()),
                   "neighbours hold"),
    "one head for all": ("permutation", np.tile(Y[:, :HEAD], (1, C // HEAD)), "hold what belongs to head 0"),
    "last position for all": ("permutation", np.tile(Y[-1], (T, 1)), f"hold what belongs to position {T - 1}"),
    "channels shifted round": ("shift", np.roll(Y, 1, axis=1), "before it, the ends wrap around"),
    "channels shifted": ("shift", np.hstack([np.zeros((T, 1)), Y[:, :-1]]), "belongs before it"),
    "positions shifted": ("shift", np.roll(Y, -1, axis=0), "every position holds what belongs after it"),
    "transposed": ("transposition", np.ascontiguousarray(Y.T).reshape(T, C), "positions and channels"),
    "heads transposed": ("transposition", Y.reshape(T, -1, HEAD).transpose(0, 2, 1).reshape(T, C), "heads and their channels"),
    "weights transposed": ("transposition", X @ W.reshape(K, C), "the weights were read as [64, 96]"),
    "last element": ("last element", Y - np.outer(X[:, -1], W[:, -1]), "input element 63 of 64 is left out"),
    "first element": ("first element", Y - np.outer(X[:, 0], W[:, 0]), "input element 0 of 64 is left out"),
    "input block": ("dropped block", Y - BLOCKS[:, 1] @ W[:, 32:].T, "input elements 32 to 63"),
    "channels dropped": ("dropped block", np.where(np.arange(C) < 80, Y, 0), "channels 80 to 95"),
    "positions dropped": ("dropped block", np.where(np.arange(T)[:, None] < 20, Y, 0), "positions 20 to 23"),
    "saturated": ("saturated", np.clip(Y, -1.5, 1.5), "-1.5 and 1.5"),
    "float16": ("rounding", Y.astype(np.float16).astype(np.float32), "rounded to float16"),
    "bfloat16": ("rounding", to_bits(Y, 8), "rounded to bfloat16"),
    "bfloat16 cut off": ("rounding", to_bits(Y, 8, cut=True), "cut off to bfloat16"),
    "input in float16": ("rounding", to_bits(X, 11) @ W.T, "input was rounded to float16"),
    "term missing": ("missing term", Y - TERM, "attn_out is missing"),
    "term twice": ("missing term", Y + TERM, "attn_out was added twice"),
    "position off by one": ("rotation", turned(20, 1.0), "position 20: neighbours are turned as if the position were 1 too large"),
    "position off by two": ("rotation", turned(20, -2.0), "2 too small"),
    "nan": ("not finite", np.where(np.arange(T * C).reshape(T, C) == 200, np.nan, Y), "position 2, channel 8: nan"),
    "infinity": ("not finite", np.where(np.arange(T * C).reshape(T, C) > 2200, np.inf, Y), "position 22, channel 89: inf"),
    "scattered": ("scattered", Y + 10 * NOISE[::-1], "in no form"),
}  # fmt: skip


@pytest.mark.parametrize("planted", MOVED)
def test_what_was_done_is_told(planted: str) -> None:
    expected, seen, told = MOVED[planted]
    # rounding noise of the input's products is what tau is for; rounded outputs come as they are
    tau = PROXY / 1000 if planted == "input in float16" else PROXY
    kind = kind_of(seen, Y, tau, inputs=X, weight=weight, heads=HEAD, terms={"attn_out": TERM})
    assert kind is not None
    assert (kind.name, told in kind.detail) == (expected, True), kind
    assert 0 <= kind.explains <= 1
    if expected not in ("scattered", "not finite"):
        assert kind.explains > 0.99


@pytest.fixture
def all_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every stage is treated as one of millions of elements."""
    monkeypatch.setattr(importlib.import_module("apr.parity.kinds.look"), "_LARGE", 100)


@pytest.mark.usefixtures("all_large")
@pytest.mark.parametrize("planted", MOVED)
def test_of_a_large_stage_the_same_is_told(planted: str) -> None:
    test_what_was_done_is_told(planted)


@pytest.mark.usefixtures("all_large")
def test_of_a_large_stage_most_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Real] = []
    left_with = Look.left_with

    def counted(look: Look, predicted: Real) -> float:
        made.append(predicted)
        return left_with(look, predicted)

    monkeypatch.setattr(Look, "left_with", counted)
    assert name(Y * 1.01 + NOISE) == "gain"
    assert not made


@pytest.mark.usefixtures("all_large")
def test_a_shift_that_one_position_does_not_show_is_found_in_a_large_stage() -> None:
    seen = np.roll(Y, 1, axis=1) + NOISE
    seen[3] = Y[3]  # which is one of those that are asked first
    assert name(seen) == "shift"


EXACT = np.zeros_like(Y)
SINGLE = Y.astype(np.float32)


def test_where_every_bit_must_agree_one_ulp_is_one_element() -> None:
    seen = SINGLE.copy()
    seen[3, 5] = np.nextafter(seen[3, 5], np.float32(9))
    kind = kind_of(seen, SINGLE, EXACT)
    assert kind is not None
    assert (kind.name, kind.explains) == ("element", 1.0)
    assert "position 3, channel 5" in kind.detail


@pytest.mark.parametrize(
    ("expected", "seen"),
    [("gain", SINGLE * np.float32(1.0001)), ("bias", SINGLE + np.float32(0.001)), ("sign", -SINGLE)],
)
def test_where_every_bit_must_agree_an_error_that_was_rounded_is_known(
    expected: str, seen: NDArray[np.float32]
) -> None:
    assert name(seen, SINGLE, EXACT) == expected


def test_zeros_that_must_be_zero_count_as_much_as_others() -> None:
    left = np.arange(C) < C // 2
    expected = np.where(left, np.float32(0), SINGLE)
    seen = np.where(left, expected, SINGLE + np.float32(0.001))
    assert name(seen, expected, EXACT) == "head bias"


def test_equal_bits_are_no_error() -> None:
    assert kind_of(SINGLE, SINGLE, EXACT) is None
    both = np.where(SINGLE > 1, np.nan, SINGLE)
    assert kind_of(both, both, EXACT) is None


@settings(max_examples=60, deadline=None)
@example(seed=0, rows=1, channels=1, sizes=0.0, shape=0)
@given(
    seed=st.integers(0, 2**32 - 1), rows=st.integers(1, 40), channels=st.integers(1, 70),
    sizes=st.floats(0, 4), shape=st.integers(0, 2),
)  # fmt: skip
def test_honest_noise_is_no_error(seed: int, rows: int, channels: int, sizes: float, shape: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 32)) * np.exp(sizes * rng.standard_normal(32))
    w = rng.standard_normal((channels, 32))
    y = x @ w.T
    tau = 1e-5 * np.exp(sizes * rng.standard_normal((rows, 1))) * np.ones_like(y)
    draw = (rng.standard_normal, lambda size: rng.uniform(-1, 1, size), lambda size: rng.choice([-1.0, 1.0], size))
    seen = y + tau * draw[shape](y.shape)
    found = kind_of(seen, y, tau, inputs=x, weight=lambda c: (w[c], 16), heads=8, terms={"x": y[::-1] * 3})
    assert found is None


def test_a_hypothesis_is_asked_only_where_it_could_be_the_simpler_answer() -> None:
    asked: list[str] = []

    def would(which: str, value: Real) -> Callable[[], Real]:
        def compute() -> Real:
            asked.append(which)
            return value

        return compute

    mask = Hypothesis("mask", "all positions are seen", would("mask", Y + TERM))
    assert name(Y * 1.01 + NOISE, hypotheses=[mask]) == "gain"
    assert asked == []
    kind = kind_of(Y + TERM + NOISE, Y, PROXY, hypotheses=[mask])
    assert kind is not None
    assert (kind.name, kind.detail) == ("mask", "all positions are seen")


def test_a_hypothesis_may_hold_for_one_position() -> None:
    seen = Y + NOISE
    seen[4] += TERM[4]
    kind = kind_of(seen, Y, PROXY, hypotheses=[Hypothesis("token", "another token", lambda: Y + TERM)])
    assert kind is not None
    assert (kind.name, kind.detail) == ("token", "position 4: another token")


def test_a_hypothesis_that_gives_nan_or_another_shape_is_dropped() -> None:
    wrong = [Hypothesis("mask", "nan", lambda: Y * np.nan), Hypothesis("mask", "narrow", lambda: Y[:, :1])]
    assert name(Y + TERM, hypotheses=wrong) == "scattered"


def test_every_answer_is_a_kind_and_inputs_stay_as_they_are() -> None:
    for planted, (_, seen, _) in MOVED.items():
        before = seen.copy()
        assert name(seen) in (*KINDS, "none"), planted
        np.testing.assert_array_equal(seen, before)


def test_shapes_that_do_not_belong_together() -> None:
    with pytest.raises(ValueError, match="one shape"):
        kind_of(Y, Y[:, 1:], PROXY)


def test_massive_values_elsewhere_do_not_hide_a_gain() -> None:
    large = Y.copy()
    large[0] *= 1e5
    tau = np.abs(large).max(axis=1, keepdims=True) * 1e-6 * np.ones_like(Y)
    seen = large.copy()
    seen[1:] *= 1.0001
    found = kind_of(seen + 0.1 * tau * RNG.standard_normal(Y.shape), large, tau)
    assert found is not None
    assert (found.name, "positions 1 to 23" in found.detail) == ("position gain", True)


@pytest.mark.parametrize(
    ("bits", "dtype"), [(11, np.float16), (24, np.float32), (24, np.float64)]
)  # fmt: skip
def test_significant_bits(bits: int, dtype: type[np.floating[Any]]) -> None:
    assert significant_bits(Y.astype(dtype)) == bits


@given(st.floats(-1e6, 1e6).map(lambda x: float(np.float32(x))))
def test_rounding_to_eleven_bits_is_float16(value: float) -> None:
    x = np.array([np.ldexp(np.frexp(value)[0], 3)])  # in float16's normal range
    np.testing.assert_array_equal(to_bits(x, 11), x.astype(np.float16).astype(np.float64))


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        (Y + only(3, 5, 1.0), "position 103, channel 5"),
        (Y + only(3, EVERY, TERM[3]), "position 103:"),
        (np.where(np.arange(T)[:, None] < 20, Y, 0), "positions 120 to 123"),
        (Y[swapped(T, 2, 5)], "positions 102 and 105"),
        (Y * np.where(np.arange(T) < 9, 1.0, 1.1)[:, None], "positions 109 to 123"),
        (turned(20, 1.0), "position 120"),
        (np.where(np.eye(T, C, 2) > 0, np.nan, Y), "position 100, channel 2"),
    ],
)
def test_positions_are_counted_from_the_prompts_beginning(seen: Real, told: str) -> None:
    assert told in detail(seen, first=100)


def test_what_the_null_model_allows_is_no_error_although_it_can_be_undone() -> None:
    rounded = Y + 0.3 * TAU * np.sign(TERM)
    honest = Hypothesis("rounding", "in another way that is right", lambda: rounded)
    assert kind_of(rounded, Y, PROXY, hypotheses=[honest]) is None
    shared = Y * (1 + 0.3 * TAU * np.random.default_rng(4).standard_normal((T, 1)))
    assert kind_of(shared, Y, PROXY) is None
    # nor does it hide an error beside it
    kind = kind_of(rounded * (1 + TAU), Y, PROXY, hypotheses=[honest])
    assert kind is not None
    assert kind.name == "gain"


def test_values_that_are_only_near_others_have_not_moved() -> None:
    moved = Y[swapped(T, 2, 5)]
    assert name(moved) == "permutation"
    moved[[2, 5]] += 0.1 * TERM[[2, 5]]
    assert name(moved) == "scattered"


@pytest.mark.parametrize(
    ("times", "expected"), [(1.0, "last element"), (0.995, "last element"), (0.9, "input element")]
)
def test_an_input_counts_as_left_out_although_it_was_rounded(times: float, expected: str) -> None:
    assert name(Y - times * np.outer(X[:, -1], W[:, -1])) == expected


def test_a_hypothesis_that_is_four_fifths_true_is_not_named() -> None:
    half = Hypothesis("mask", "all positions are seen", lambda: Y + TERM)
    assert name(Y + 0.8 * TERM, hypotheses=[half]) == "scattered"
    assert name(Y + 0.9 * TERM, hypotheses=[half]) == "mask"
