"""Numbers from encoded rows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from gguf import GGMLQuantizationType, quants
from numpy.typing import NDArray

# [rows, bytes a row] uint8 and the type's name to [rows, columns] float32; raises NotImplementedError for a type it does
# not know
Dequantiser = Callable[[NDArray[np.uint8], str], NDArray[np.float32]]


def by_gguf(raw: NDArray[np.uint8], type_name: str) -> NDArray[np.float32]:
    """By the `gguf` library's numpy, which shares no code with llama.cpp's C.

    Raises:
        NotImplementedError: a type that the library does not know, or cannot dequantise.
    """
    if type_name not in GGMLQuantizationType.__members__:
        raise NotImplementedError
    return np.asarray(quants.dequantize(np.ascontiguousarray(raw), GGMLQuantizationType[type_name]), np.float32)
