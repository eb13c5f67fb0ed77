"""Functions of the C library that ggml calls for single numbers: not all of them round correctly, so they are called, too."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.ops.exact.refused import refused

if TYPE_CHECKING:
    from numpy.typing import NDArray

_F32 = np.float32


@cache
def _function(name: str) -> Any:
    """A function of float32 numbers in glibc's mathematical library.

    Raises:
        UnsupportedModel: another C library.
    """
    if not sys.platform.startswith("linux"):
        raise refused(f"{name} of {sys.platform}, whose C library is not glibc")
    try:
        library = ctypes.CDLL("libm.so.6")
    except OSError as error:
        raise refused(f"{name}: this system has no glibc ({error})") from error
    function = getattr(library, name)
    function.restype = ctypes.c_float
    return function


def each(name: str, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """`cosf`, `sinf` or `expf` of every element; in the shape of x."""
    function = _function(name)
    function.argtypes = [ctypes.c_float]
    distinct, at = np.unique(x, return_inverse=True)
    made = np.array([function(value) for value in distinct.tolist()], _F32)
    return made[at].reshape(x.shape)


def power(base: float, exponent: float) -> np.float32:
    """`powf` of two float32 numbers."""
    function = _function("powf")
    function.argtypes = [ctypes.c_float, ctypes.c_float]
    return _F32(function(base, exponent))
