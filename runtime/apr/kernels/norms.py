"""Normalisation of rows: by their root mean square, or by their mean and standard deviation."""

from __future__ import annotations

from apr.ops.norm import layer_norm, rms_norm

__all__ = ["layer_norm", "rms_norm"]
