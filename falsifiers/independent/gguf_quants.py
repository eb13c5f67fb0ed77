"""Quantisation by the `gguf` library's numpy, under the names of the library of kernels; bfloat16 too.

Neither Q4_K nor Q6_K are quantised there, and Q8_K is unknown to it: see `independent.ggml_quants`.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from gguf import GGMLQuantizationType as Type
from gguf import quants

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PRODUCER = "ggml-org"
BUILD = f"gguf {version('gguf')}"


def _to(kind: Type) -> Callable[[NDArray[np.float32]], NDArray[np.uint8]]:
    def quantize(x: NDArray[np.float32]) -> NDArray[np.uint8]:
        with np.errstate(all="ignore"):
            return np.asarray(quants.quantize(np.ascontiguousarray(x), kind))

    return quantize


def _from(kind: Type) -> Callable[[NDArray[np.uint8]], NDArray[np.float32]]:
    def dequantize(raw: NDArray[np.uint8]) -> NDArray[np.float32]:
        with np.errstate(all="ignore"):
            return np.asarray(quants.dequantize(np.ascontiguousarray(raw), kind))

    return dequantize


quantize_q4_0, dequantize_q4_0 = _to(Type.Q4_0), _from(Type.Q4_0)
quantize_q4_1, dequantize_q4_1 = _to(Type.Q4_1), _from(Type.Q4_1)
quantize_q5_0, dequantize_q5_0 = _to(Type.Q5_0), _from(Type.Q5_0)
quantize_q5_1, dequantize_q5_1 = _to(Type.Q5_1), _from(Type.Q5_1)
quantize_q8_0, dequantize_q8_0 = _to(Type.Q8_0), _from(Type.Q8_0)
dequantize_q4_k, dequantize_q6_k = _from(Type.Q4_K), _from(Type.Q6_K)


def f32_to_bf16(x: NDArray[np.float32]) -> NDArray[np.uint16]:
    """[n] float32 to [n] bits."""
    return _to(Type.BF16)(x).view(np.uint16)


def bf16_to_f32(h: NDArray[np.integer[Any]]) -> NDArray[np.float32]:
    """[n] bits to [n] float32."""
    return _from(Type.BF16)(np.ascontiguousarray(h, np.uint16).view(np.uint8))
