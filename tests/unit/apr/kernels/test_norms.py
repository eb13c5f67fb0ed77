"""Norms by hand: a row whose mean and deviation are whole numbers, and rows that break careless ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from apr.kernels import layer_norm, rms_norm

ONE = np.ones(4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_layer_norm_by_hand(dtype: Any) -> None:
    # mean 5, differences -3 -1 1 3, variance 5, and with epsilon 4 the deviation is 3
    x = np.array([[2, 4, 6, 8]], dtype)
    got = layer_norm(x, np.array([1, 3, 3, 1], dtype), np.array([0, 0, 1, 0], dtype), 4.0)
    assert got.dtype == dtype
    assert got.tolist() == [[-1.0, -1.0, 2.0, 1.0]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rms_norm_by_hand(dtype: Any) -> None:
    # squares 1 49 1 49, their mean 25, and with epsilon 11 the root is 6
    x = np.array([[1, 7, -1, -7]], dtype)
    got = rms_norm(x, np.array([6, 6, 12, 6], dtype), 11.0)
    assert got.dtype == dtype
    assert np.allclose(got, [[1.0, 7.0, -2.0, -7.0]], rtol=1e-7)


def test_weights_of_a_wider_dtype_do_not_widen_the_row() -> None:
    x = np.ones((1, 4), np.float32)
    assert layer_norm(x, ONE, ONE, 1e-5).dtype == np.float32
    assert rms_norm(x, ONE, 1e-5).dtype == np.float32


def test_layer_norm_far_from_zero_does_not_cancel() -> None:
    x = np.array([[9999, 10001, 9999, 10001]], np.float32)
    one, zero = np.ones(4, np.float32), np.zeros(4, np.float32)
    assert np.allclose(layer_norm(x, one, zero, 1e-6), [[-1, 1, -1, 1]], rtol=1e-6)


def test_what_is_added_to_a_row_leaves_its_layer_norm() -> None:
    x = np.array([[1, 2, 3, 6]], np.float64)
    assert np.allclose(layer_norm(x + 100, ONE, ONE, 1e-5), layer_norm(x, ONE, ONE, 1e-5), rtol=0, atol=1e-12)
    assert np.abs(rms_norm(x + 100, ONE, 1e-5) - rms_norm(x, ONE, 1e-5)).max() > 0.5


def test_rows_of_zeros_give_the_bias() -> None:
    zeros = np.zeros((2, 4), np.float32)
    assert rms_norm(zeros, ONE, 1e-6).tolist() == zeros.tolist()
    assert layer_norm(zeros, ONE, 3 * ONE, 1e-6).tolist() == (zeros + 3).tolist()
