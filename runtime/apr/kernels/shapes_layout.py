"""Which byte holds which number: rows, blocks of quantised types, packed matrices, and the gaps between tensors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from apr.formats import gguf
from apr.formats.alignment import aligned
from apr.formats.apr.dtypes import GGML_CODES, Dtype, Layout, encoded_size
from apr.kernels.shapes_config import Head, Said
from apr.quant.dequantise import by_gguf
from apr.quant.encoded import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TYPES = {code: dtype for dtype, code in GGML_CODES.items()}
_PACKED = "blk.0.ffn_down_exps.weight"


def padded(n: int, a: int) -> NDArray[np.int64]:
    """The next multiple of `a`, `n` itself where it is one: [] int64; 32 in GGUF files unless they say, 64 in .apr files."""
    return np.asarray(aligned(n, a), np.int64)


def tensor_bytes(kind: int, rows: int, columns: int) -> NDArray[np.int64]:
    """Bytes of a matrix, blocks counted row by row: [] int64; -1 where a row does not divide into the type's blocks.

    Args:
        kind: GGML's number of the type, 12 for Q4_K.
        rows: from 1.
        columns: from 1.

    Raises:
        KeyError: a type that the runtime's own table of blocks does not have.
    """
    size = encoded_size(_TYPES[kind], (columns, rows), Layout.GGML)
    return np.asarray(-1 if size is None else size, np.int64)


def filled_bytes(kind: int, rows: int, columns: int) -> NDArray[np.int64]:
    """Bytes of a matrix in .apr's own layout, where the last block of a row of Q4_K and Q6_K may be filled up: [] int64."""
    size = encoded_size(_TYPES[kind], (rows, columns), Layout.APR)
    return np.asarray(-1 if size is None else size, np.int64)


def shape_of_dims(dims: NDArray[np.int64]) -> NDArray[np.int64]:
    """Shape, outermost dimension first, of a tensor whose GGUF file lists `dims`: [n] int64, n from 1."""
    entry = gguf.Entry(0, "", tuple(dims.tolist()), GGML_CODES[Dtype.F32], 0, 0)
    return np.asarray(gguf.tensor_info(Path(), entry, 0).shape, np.int64)


def matrix_of_bytes(raw: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.float32]:
    """The [rows, columns] float32 that rows * columns * 4 bytes of a file stand for."""
    return numbers(raw.reshape(rows, -1), "F32", rows, columns, by_gguf)


def packed_matrix(raw: NDArray[np.uint8], matrices: int, index: int) -> NDArray[np.uint8]:
    """The bytes of one of the matrices that a packed tensor holds one behind the other.

    Args:
        raw: [matrices * rows, bytes a row].
        matrices: how many.
        index: which, from 0.

    Returns:
        uint8 [rows, bytes a row].
    """
    return _Bytes(raw, matrices).matrix(_PACKED, index)


class _Bytes(Head):
    """A packed tensor, and nothing else, in memory."""

    def __init__(self, raw: NDArray[np.uint8], matrices: int) -> None:
        super().__init__({}, {_PACKED: Said(_PACKED, (matrices, len(raw) // matrices, raw.shape[1]))})
        self._bytes = raw

    def raw(self, _name: str) -> NDArray[np.uint8]:  # type: ignore[override] # this one holds data
        """The bytes of the one tensor."""
        return self._bytes
