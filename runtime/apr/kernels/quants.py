"""Quantisation under the names of the library: numbers to blocks of bytes and back, float16 and bfloat16, activations.

Rows of numbers become rows of bytes as they stand in a file. Shapes, dtypes and errors are those of the functions behind
them, see `apr.quant.encodings`.
"""

from __future__ import annotations

from apr.kernels.quants_activations import (
    round_activations_q8_0,
    round_activations_q8_1,
    round_activations_q8_k,
)
from apr.quant.encodings.bytewise import dequantize_q8_0, dequantize_q8_k, quantize_q8_0, quantize_q8_k
from apr.quant.encodings.halves import bf16_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16
from apr.quant.encodings.minimum import dequantize_q4_1, dequantize_q5_1, quantize_q4_1, quantize_q5_1
from apr.quant.encodings.offset import dequantize_q4_0, dequantize_q5_0, quantize_q4_0, quantize_q5_0
from apr.quant.encodings.q4_k import dequantize_q4_k, quantize_q4_k
from apr.quant.encodings.q6_k import dequantize_q6_k, quantize_q6_k

__all__ = [
    "bf16_to_f32",
    "dequantize_q4_0",
    "dequantize_q4_1",
    "dequantize_q4_k",
    "dequantize_q5_0",
    "dequantize_q5_1",
    "dequantize_q6_k",
    "dequantize_q8_0",
    "dequantize_q8_k",
    "f16_to_f32",
    "f32_to_bf16",
    "f32_to_f16",
    "quantize_q4_0",
    "quantize_q4_1",
    "quantize_q4_k",
    "quantize_q5_0",
    "quantize_q5_1",
    "quantize_q6_k",
    "quantize_q8_0",
    "quantize_q8_k",
    "round_activations_q8_0",
    "round_activations_q8_1",
    "round_activations_q8_k",
]
