"""Products and rows at the edges of what they take: sizes of zero, shapes that do not fit, rows that are not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from apr.kernels import embedding, linear, matmul, tied_head
from apr.quant.apr_blocks import encode_apr_q4, encode_apr_q8
from apr.quant.encoded import take_rows
from apr.quant.weights import Weights


def test_matmul_sums_over_the_inner_axis() -> None:
    a, b = np.arange(6, dtype=np.float32).reshape(2, 3), np.arange(12, dtype=np.float32).reshape(3, 4)
    expected = [[sum(float(a[i, k] * b[k, j]) for k in range(3)) for j in range(4)] for i in range(2)]
    assert matmul(a, b).tolist() == expected
    assert linear(a, np.ascontiguousarray(b.T)).tolist() == expected
    assert tied_head(a, np.ascontiguousarray(b.T)).tolist() == expected


@pytest.mark.parametrize(("m", "k", "n"), [(0, 3, 2), (2, 0, 3), (2, 3, 0), (0, 0, 0)])
def test_sizes_may_be_zero(m: int, k: int, n: int) -> None:
    got = matmul(np.ones((m, k), np.float32), np.ones((k, n), np.float32))
    assert got.dtype == np.float32
    assert got.tolist() == np.zeros((m, n)).tolist()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept(dtype: Any) -> None:
    a, b = np.ones((2, 3), dtype), np.ones((3, 2), dtype)
    assert {matmul(a, b).dtype, linear(a, b.T).dtype, tied_head(a, b.T).dtype} == {np.dtype(dtype)}


def test_shapes_that_do_not_fit_are_refused() -> None:
    a, b = np.ones((2, 3), np.float32), np.ones((2, 3), np.float32)
    with pytest.raises(ValueError, match="mismatch"):
        matmul(a, b)
    for function in (linear, tied_head):
        with pytest.raises(ValueError, match="mismatch"):
            function(a, b.T)


@pytest.mark.parametrize("tokens", [[-1], [4], [0, 3, -4, 1], [2**40]])
def test_a_token_without_a_row_is_refused(tokens: list[int]) -> None:
    with pytest.raises(IndexError, match=r"row -?\d+ of 4"):
        embedding(np.array(tokens), np.zeros((4, 2), np.float32))


def test_no_tokens_give_no_rows() -> None:
    assert embedding(np.zeros(0, np.int64), np.zeros((4, 2), np.float32)).shape == (0, 2)


def test_rows_of_any_type_are_copies() -> None:
    raw = np.arange(8, dtype=np.uint8).reshape(4, 2)
    rows = take_rows(raw, np.array([3, 3, 0], np.int32))
    assert rows.tolist() == [[6, 7], [6, 7], [0, 1]]
    rows[:] = 0
    assert raw.sum() == 28


def weights(kind: str, columns: int) -> Weights:
    """Nine rows of a tensor, in one of the three ways in which rows are found."""
    numbers = np.random.Generator(np.random.PCG64(3)).standard_normal((9, columns)).astype(np.float32)
    encode = {"AprQ4": encode_apr_q4, "AprQ8": encode_apr_q8}
    raw = numbers.view(np.uint8) if kind == "F32" else encode[kind](numbers).reshape(1, -1)
    tensors = {"w": SimpleNamespace(name="w", shape=(9, columns), type_name=kind, nbytes=raw.size)}
    file: Any = SimpleNamespace(tensors=tensors, path="model", raw=lambda _name: raw)
    return Weights(file)


@pytest.mark.parametrize(("kind", "columns"), [("F32", 8), ("AprQ4", 40), ("AprQ8", 40), ("AprQ4", 64)])
@pytest.mark.parametrize("index", [-1, 9])
def test_rows_of_a_file_that_are_not_there_are_refused(kind: str, columns: int, index: int) -> None:
    held = weights(kind, columns)
    assert held.rows("w", np.array([8, 0])).shape == (2, columns)
    with pytest.raises(IndexError, match=f"row {index} of 9"):
        held.rows("w", np.array([0, index]))
