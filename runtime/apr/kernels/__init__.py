"""The equations of a transformer as the runtime computes them, one function each: arrays in, arrays out.

The contracts of the library speak about functions of these names; any other module that has them can stand in for this one.
"""

from __future__ import annotations

from apr.kernels.attention import (
    attention,
    attention_full,
    attention_weights,
    cached_attention,
    flash_attention,
    flash_window_attention,
    grouped_attention,
    head_scale,
    qk_norm,
    sliding_window_attention,
)

__all__ = [
    "attention",
    "attention_full",
    "attention_weights",
    "cached_attention",
    "flash_attention",
    "flash_window_attention",
    "grouped_attention",
    "head_scale",
    "qk_norm",
    "sliding_window_attention",
]
