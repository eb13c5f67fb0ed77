"""Biases and branches: one rounding, any shape in front of the channels, nothing written to."""

from __future__ import annotations

from functools import partial

import numpy as np

from apr.kernels import bias_add, residual_add

f32 = partial(np.array, dtype=np.float32)


def test_a_bias_goes_to_every_row() -> None:
    x = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    got = bias_add(x, f32([10, 20, 30]))
    assert got.tolist() == [[[10, 21, 32], [13, 24, 35]], [[16, 27, 38], [19, 30, 41]]]


def test_a_wider_bias_is_rounded_before_it_is_added() -> None:
    got = bias_add(np.zeros((1, 1), np.float32), np.array([0.1]))
    assert got.dtype == np.float32
    assert got[0, 0] == np.float32(0.1)


def test_a_branch_below_the_last_place_is_lost() -> None:
    stream = f32([[2.0**24, 2.0**24]])
    assert residual_add(stream, f32([[1.0, 1.5]])).tolist() == [[2.0**24, 2.0**24 + 2]]
    assert residual_add(stream.astype(np.float64), np.array([[1.0, 1.5]])).tolist() == [[2.0**24 + 1, 2.0**24 + 1.5]]


def test_the_stream_is_left_alone() -> None:
    stream, branch = np.ones((2, 2), np.float32), np.ones((2, 2), np.float32)
    assert residual_add(stream, branch).tolist() == [[2, 2], [2, 2]]
    assert stream.tolist() == branch.tolist() == [[1, 1], [1, 1]]
