"""Quantisation by llama.cpp's C, called through ctypes, under the names of the library of kernels.

The library is the one that `APR_LLAMA_LIB` names, or that of the package `xllamacpp` or `llama_cpp`. Its symbols are those of
ggml.h and ggml-quants.h: `dequantize_row_q4_K(const void *, float *, int64_t)` and `quantize_row_q4_K_ref(const float *, void
*, int64_t)`, which is what `ggml_quantize_chunk` runs where no importance is given.
"""

from __future__ import annotations

import ctypes as c
import hashlib
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

PRODUCER = "ggml-org"


def _libraries() -> Iterator[Path]:
    """Shared objects that may export ggml, the one that was named first."""
    named = os.environ.get("APR_LLAMA_LIB")
    folders = [Path(named).parent] if named else []
    for package in ("xllamacpp", "llama_cpp"):
        spec = find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            folders += [Path(place), Path(place, "lib")]
    for folder in folders:
        for pattern in ("libggml-base.so*", "libggml-base*.dylib", "xllamacpp*.so", "libllama.so*"):
            yield from sorted(folder.glob(pattern))


def _open() -> tuple[c.CDLL, Path]:
    for path in _libraries():
        library = c.CDLL(str(path))
        if hasattr(library, "dequantize_row_q4_K"):
            return library, path
    raise ImportError("no shared library exports ggml's quants; pip install xllamacpp", name="ggml")


_LIBRARY, _PATH = _open()
with _PATH.open("rb") as _stream:
    BUILD = f"{_PATH.name} sha256:{hashlib.file_digest(_stream, 'sha256').hexdigest()[:12]}"
# at its first call ggml_init fills the table by which C turns float16 into float32; without it every scale is 0
_INIT = _LIBRARY.ggml_init


class _Memory(c.Structure):
    """`ggml_init_params`: size, buffer, no_alloc."""

    _fields_ = (("size", c.c_size_t), ("buffer", c.c_void_p), ("no_alloc", c.c_bool))


_INIT.argtypes, _INIT.restype = (_Memory,), c.c_void_p
_LIBRARY.ggml_free.argtypes, _LIBRARY.ggml_free.restype = (c.c_void_p,), None
_LIBRARY.ggml_free(_INIT(_Memory(1024, None, True)))


def _row(symbol: str, given: int, made: int, dtype: type[Any]) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """A function of ggml over rows: so many elements of a block given, so many of this dtype made."""
    function = getattr(_LIBRARY, symbol)
    function.argtypes, function.restype = (c.c_void_p, c.c_void_p, c.c_int64), None
    numbers = given if dtype is np.uint8 else made

    def call(rows: NDArray[Any]) -> NDArray[Any]:
        if rows.shape[-1] % given:
            raise ValueError(f"rows of {rows.shape[-1]} are no whole blocks of {given}")
        source = np.ascontiguousarray(rows)
        blocks = rows.shape[-1] // given
        out = np.zeros((*rows.shape[:-1], blocks * made), dtype)
        function(source.ctypes.data, out.ctypes.data, source.size // given * numbers)
        return out

    return call


def _both(kind: str, numbers: int, nbytes: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    to = _row(f"quantize_row_{kind}_ref", numbers, nbytes, np.uint8)
    return to, _row(f"dequantize_row_{kind}", nbytes, numbers, np.float32)


quantize_q4_0, dequantize_q4_0 = _both("q4_0", 32, 18)
quantize_q4_1, dequantize_q4_1 = _both("q4_1", 32, 20)
quantize_q5_0, dequantize_q5_0 = _both("q5_0", 32, 22)
quantize_q5_1, dequantize_q5_1 = _both("q5_1", 32, 24)
quantize_q8_0, dequantize_q8_0 = _both("q8_0", 32, 34)
quantize_q8_k, dequantize_q8_k = _both("q8_K", 256, 292)
quantize_q4_k, dequantize_q4_k = _both("q4_K", 256, 144)
quantize_q6_k, dequantize_q6_k = _both("q6_K", 256, 210)
