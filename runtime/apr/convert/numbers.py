"""A tensor's bytes and its numbers, piece by piece: of no tensor more than one piece is in memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from apr.errors import UnsupportedModel
from apr.formats.model_file import PADDED
from apr.quant.apr_blocks import APR_DECODERS
from apr.quant.dequantise import by_gguf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile

_PIECE = 1 << 24  # bytes of encoded rows at a time


def encoded_rows(file: ModelFile, name: str) -> Iterator[NDArray[np.uint8]]:
    """The encoded bytes of a tensor: [some rows, bytes a row], in order, all rows together.

    Packed tensors come one matrix at a time, because formats that store them apart would have to put them together. Pages are
    let go when the last piece has been taken.
    """
    shape = file.tensors[name].shape
    matrices = [file.raw(name)] if len(shape) != 3 else (file.matrix(name, index) for index in range(shape[0]))
    for matrix in matrices:
        step = max(1, _PIECE // matrix.shape[1])
        for start in range(0, len(matrix), step):
            yield matrix[start : start + step]
    file.release(name)


def numbers(file: ModelFile, name: str) -> Iterator[NDArray[np.float32]]:
    """The numbers of a tensor: [some rows, columns] float32, in order, all rows together.

    Raises:
        UnsupportedModel: a type that cannot be dequantised here.
    """
    tensor = file.tensors[name]
    columns = tensor.shape[-1] if tensor.shape else 1
    if tensor.type_name in APR_DECODERS:
        count = math.prod(tensor.shape)
        yield APR_DECODERS[tensor.type_name](file.raw(name).reshape(-1), count).reshape(-1, columns)
        file.release(name)
        return
    for rows in encoded_rows(file, name):
        try:
            # rows that were filled up to whole blocks hold more numbers than the tensor has
            yield by_gguf(rows, tensor.type_name.removesuffix(PADDED))[:, :columns]
        except NotImplementedError as error:
            raise UnsupportedModel(
                f"type {tensor.type_name} cannot be dequantised here",
                where=f"{file.path}: tensor {name!r}",
                hint="the `gguf` package does it; a newer one may know this type",
            ) from error


def narrowed(rows: NDArray[np.float32], where: str) -> NDArray[np.float16]:
    """float32 as float16, rounded to the nearest, ties to even.

    Raises:
        UnsupportedModel: a finite number is beyond float16.
    """
    with np.errstate(over="ignore"):
        half = rows.astype("<f2")
    if not (np.isfinite(half) | ~np.isfinite(rows)).all():
        raise UnsupportedModel(
            f"numbers up to {np.nanmax(np.abs(rows)):.3g} are beyond float16", where=where, hint="keep it in float32"
        )
    return half
