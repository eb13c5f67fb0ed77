"""Which bytes of an encoded tensor hold which of its rows, and the numbers in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from apr.formats.apr.dtypes import APR_Q4_BLOCK, APR_Q4_BYTES, APR_Q8_HEAD, Dtype
from apr.formats.model_file import PADDED
from apr.quant.apr_blocks import APR_DECODERS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from apr.quant.dequantise import Dequantiser

_T = TypeVar("_T", bound=np.generic)


def inside(indices: NDArray[np.integer[Any]], rows: int) -> NDArray[np.integer[Any]]:
    """The indices, when each is one of so many rows.

    Raises:
        IndexError: one is not. numpy alone would take -1 for the last row.
    """
    outside = indices[(indices < 0) | (indices >= rows)]
    if outside.size:
        raise IndexError(f"row {outside.flat[0]} of {rows}")
    return indices


def take_rows(matrix: NDArray[_T], indices: NDArray[np.integer[Any]]) -> NDArray[_T]:
    """[len(indices), columns]: a copy of rows of [rows, columns], one for each index, of any type.

    Raises:
        IndexError: see `inside`.
    """
    taken: NDArray[_T] = matrix[inside(indices, len(matrix))]
    return taken


def row_apart(type_name: str, columns: int) -> bool:
    """Whether some rows can be decoded without the others; AprQ4's blocks run across rows where these are no whole blocks."""
    return type_name != Dtype.APR_Q4 or columns % APR_Q4_BLOCK == 0


def some_rows(raw: NDArray[np.uint8], type_name: str, columns: int, part: slice) -> NDArray[np.uint8]:
    """The bytes that `numbers` makes some rows of.

    Args:
        raw: as `ModelFile.raw` returns a tensor.
        type_name: of a type that keeps rows apart, see `row_apart`.
        columns: numbers in a row.
        part: which rows; with start and stop, without a step.
    """
    if type_name == Dtype.APR_Q4:
        nbytes = columns // APR_Q4_BLOCK * APR_Q4_BYTES
        return raw.reshape(-1)[part.start * nbytes : part.stop * nbytes]
    if type_name == Dtype.APR_Q8:
        flat = raw.reshape(-1)  # one scale for the whole tensor, then the codes
        codes = flat[APR_Q8_HEAD + part.start * columns : APR_Q8_HEAD + part.stop * columns]
        return np.concatenate([flat[:APR_Q8_HEAD], codes])
    return raw[part]


def numbers(
    encoded: NDArray[np.uint8], type_name: str, rows: int, columns: int, dequantise: Dequantiser
) -> NDArray[np.float32]:
    """[rows, columns] float32 from their bytes.

    Raises:
        NotImplementedError: a type that cannot be dequantised.
    """
    if type_name in APR_DECODERS:
        return APR_DECODERS[type_name](encoded.reshape(-1), rows * columns).reshape(rows, columns)
    decoded = dequantise(encoded, type_name.removesuffix(PADDED)).reshape(rows, -1)
    return decoded[:, :columns] if type_name.endswith(PADDED) else decoded
