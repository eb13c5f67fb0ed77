"""Sizes of matrices by the `gguf` library, under the names of the library of kernels."""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from gguf import GGMLQuantizationType
from gguf.quants import quant_shape_to_byte_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRODUCER = "ggml-org"
BUILD = f"gguf {version('gguf')}"


def tensor_bytes(kind: int, rows: int, columns: int) -> NDArray[np.int64]:
    """Bytes of a matrix of GGML's type `kind`: [] int64; -1 where the library refuses it."""
    try:
        shape = quant_shape_to_byte_shape((int(rows), int(columns)), GGMLQuantizationType(int(kind)))
    except ValueError:
        return np.asarray(-1, np.int64)
    return np.asarray(shape[0] * shape[1], np.int64)
