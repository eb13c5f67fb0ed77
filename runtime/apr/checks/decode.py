"""Values of a tensor in pieces of bounded size, whatever its encoding."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

from apr.formats.apr.dtypes import APR_Q4_BLOCK, APR_Q4_BYTES, APR_Q8_HEAD
from apr.formats.model_file import PADDED
from apr.quant.apr_blocks import decode_apr_q4, decode_apr_q8

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile, Tensor
    from apr.quant.dequantise import Dequantiser

VALUES = 1 << 20  # in a piece, at most: 4 MiB decoded, which stays in a processor's cache


def bare_type(tensor: Tensor) -> str:
    """The type's name without what .apr adds to it."""
    return tensor.type_name.removesuffix(PADDED)


def is_plain(type_name: str) -> bool:
    """Whether every value stands for itself, without a scale that it shares with others."""
    return type_name in GGMLQuantizationType.__members__ and GGML_QUANT_SIZES[GGMLQuantizationType[type_name]][0] == 1


def matrices(file: ModelFile, tensor: Tensor) -> Iterator[NDArray[np.uint8]]:
    """The encoded rows of a tensor; those of packed matrices one matrix at a time: together they may not fit in memory."""
    if len(tensor.shape) == 3:
        for index in range(tensor.shape[0]):
            yield file.matrix(tensor.name, index)
    else:
        yield file.raw(tensor.name)


def pieces(
    raw: NDArray[np.uint8], tensor: Tensor, dequantise: Dequantiser
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """Encoded bytes with the values that they hold, in order: each as [bytes] and [values], whole blocks, `VALUES` at most.

    Args:
        raw: what `matrices` gives.
        tensor: what it belongs to.
        dequantise: decodes rows of GGML's types.

    Raises:
        NotImplementedError: the type cannot be decoded here.
    """
    type_name, columns = bare_type(tensor), tensor.shape[-1] if tensor.shape else 1
    if type_name == "AprQ8":
        for at in range(0, math.prod(tensor.shape), VALUES):
            part = raw.reshape(-1)[APR_Q8_HEAD:][at : at + VALUES]
            head_and_part = np.concatenate([raw.reshape(-1)[:APR_Q8_HEAD], part])
            yield part, decode_apr_q8(head_and_part, part.size)
    elif type_name == "AprQ4":
        count, step = math.prod(tensor.shape), VALUES // APR_Q4_BLOCK * APR_Q4_BYTES
        for at in range(0, raw.size, step):
            part = raw.reshape(-1)[at : at + step]
            before = at // APR_Q4_BYTES * APR_Q4_BLOCK
            yield part, decode_apr_q4(part, min(count - before, part.size // APR_Q4_BYTES * APR_Q4_BLOCK))
    elif columns <= VALUES:
        step = max(1, VALUES // columns)
        for at in range(0, len(raw), step):
            part = raw[at : at + step]
            yield part.reshape(-1), dequantise(part, type_name)[:, :columns].reshape(-1)
    else:
        yield from _long_rows(raw, type_name, columns, dequantise)


def _long_rows(
    raw: NDArray[np.uint8], type_name: str, columns: int, dequantise: Dequantiser
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    block, nbytes = GGML_QUANT_SIZES[GGMLQuantizationType[type_name]]
    step = VALUES // block * nbytes
    for row in raw:
        for at in range(0, len(row), step):
            part = row[at : at + step]
            yield part, dequantise(part[None], type_name).reshape(-1)[: columns - at // nbytes * block]
