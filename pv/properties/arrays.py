"""Dtypes of the language as arrays of numpy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

NUMPY = {
    "f32": np.float32,
    "f64": np.float64,
    "f16": np.float16,
    "bf16": np.float32,
    "u8": np.uint8,
    "i8": np.int8,
    "i32": np.int32,
    "i64": np.int64,
    "bool": np.bool_,
}
# dtype to unit roundoff, smallest normal and smallest subnormal number (IEEE 754-2019, table 3.5; bfloat16 has float32's exponents)
FLOATS = {
    "f16": (2.0**-11, 2.0**-14, 2.0**-24),
    "bf16": (2.0**-8, 2.0**-126, 2.0**-133),
    "f32": (2.0**-24, 2.0**-126, 2.0**-149),
    "f64": (2.0**-53, 2.0**-1022, 2.0**-1074),
}
_NAMES = {np.dtype(np.float16): "f16", np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}


def float_name(array: Array) -> str:
    """The name of an array's float dtype; `f64` of what is no float."""
    return _NAMES.get(array.dtype, "f64")


def wide(value: Any) -> Any:
    """What is computed with: floats in float64, everything else in int64; Python's numbers as they are."""
    if not isinstance(value, (np.ndarray, np.generic)):
        return int(value) if isinstance(value, bool) else value
    kind = value.dtype.kind
    if kind == "f":
        return value.astype(np.float64, copy=False)
    return value.astype(np.int64, copy=False)


def to_bf16(value: Any) -> Array:
    """float32 values rounded to the nearest bfloat16, ties to even; NaN stays NaN."""
    narrow = np.asarray(value, np.float32)
    bits = narrow.view(np.uint32) if narrow.ndim else narrow.reshape(1).view(np.uint32)
    rounded = ((bits + (((bits >> 16) & 1) + np.uint32(0x7FFF))) & np.uint32(0xFFFF0000)).view(np.float32)
    rounded = rounded.reshape(narrow.shape)
    return np.where(np.isnan(narrow), narrow, rounded)


def cast(value: Any, dtype: str) -> Array:
    """`value` as an array of that dtype: floats rounded to nearest, integers wrapped."""
    if dtype == "bf16":
        # float64 to float32 first would round twice; the odd neighbour keeps what was cut off
        return to_bf16(_to_odd(np.asarray(wide(value), np.float64)))
    return np.asarray(value).astype(NUMPY[dtype], copy=False)


def _to_odd(value: Array) -> Array:
    """float64 rounded to float32 so that rounding once more cannot go wrong (Boldo and Melquiond 2005)."""
    narrow = value.astype(np.float32)
    off = narrow.astype(np.float64) != value
    even = (np.atleast_1d(narrow).view(np.uint32).reshape(narrow.shape) & 1) == 0
    toward = np.where(value > narrow, np.float32(np.inf), np.float32(-np.inf))
    return np.where(off & even & np.isfinite(narrow), np.nextafter(narrow, toward), narrow)
