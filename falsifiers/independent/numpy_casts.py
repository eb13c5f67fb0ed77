"""float16 as numpy's own casts make it, under the names of the library of kernels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRODUCER = "numpy"
BUILD = f"numpy {np.__version__}"


def f32_to_f16(x: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Any shape, float32 to bits."""
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(x).astype(np.float16).view(np.uint16)


def f16_to_f32(h: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """Any shape, bits to float32."""
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(h, np.uint16).view(np.float16).astype(np.float32)
