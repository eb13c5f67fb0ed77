"""float16 and bfloat16 by integer arithmetic on the bits of float32.

float16 has a sign, 5 bits of exponent with bias 15 and 10 of fraction; bfloat16 is the upper half of a float32. Source: IEEE
754-2019, sections 3.4 (encodings), 4.3.1 (roundTiesToEven), 6.2.1 (quiet NaN).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]
    Halves = NDArray[np.uint16]

# as bits of float32: 65520, halfway between the greatest float16 and 2**16; 2**-14, the smallest normal float16; infinity
_TOO_GREAT, _NORMAL, _INFINITY = 0x477FF000, 0x38800000, 0x7F800000
_QUIET_F16, _QUIET_F32 = 0x7E00, 0x7FC00000


def f32_to_f16(x: NDArray[np.floating[Any]]) -> Halves:
    """Rounds to float16, ties to even.

    Args:
        x: any shape, float32.

    Returns:
        The same shape, uint16: the bits. From 65520 on infinity; below 2**-14 subnormals; NaN becomes a quiet one of the
        same sign that keeps the upper bits of what it carries.
    """
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).reshape(np.shape(x))
    sign, magnitude = bits >> 16 & 0x8000, bits & 0x7FFFFFFF
    # 13 bits of the fraction go; a carry out of it raises the exponent, which is what rounding up means there
    even = magnitude >> 13 & 1
    with np.errstate(over="ignore"):  # below 2**-14 the difference wraps around, and is not taken
        normal = magnitude + 0xFFF + even - 0x38000000 >> 13
    made = np.where(magnitude >= _NORMAL, normal, _subnormal(magnitude))
    made = np.where(magnitude >= _TOO_GREAT, 0x7C00, made)
    made = np.where(magnitude > _INFINITY, _QUIET_F16 | magnitude >> 13 & 0x3FF, made)
    return (sign | made).astype(np.uint16)


def _subnormal(magnitude: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """Magnitudes below 2**-14 in units of 2**-24, ties to even; 1024 of them are the smallest normal number."""
    whole = magnitude & 0x7FFFFF | 0x800000
    # the significand counts units of 2**(exponent - 150); a float32 that is subnormal itself is shifted out like any other
    shift = np.clip(126 - (magnitude >> 23).astype(np.int32), 1, 31).astype(np.uint32)
    units, rest, half = whole >> shift, whole & ((1 << shift) - 1), 1 << (shift - 1)
    up: NDArray[np.bool_] = (rest > half) | ((rest == half) & (units & 1 == 1))
    return units + up


def f16_to_f32(h: NDArray[np.integer[Any]]) -> Floats:
    """The numbers that float16 bits stand for; every one is a float32.

    Args:
        h: any shape, integers from 0 to 65535.

    Returns:
        The same shape, float32. NaN becomes a quiet one of the same sign that keeps what it carries.

    Raises:
        ValueError: no 16 bits.
    """
    bits = _sixteen(h)
    sign, exponent, fraction = (bits & 0x8000) << 16, bits >> 10 & 31, bits & 0x3FF
    made = exponent + 112 << 23 | fraction << 13
    # subnormals are fractions of 2**-24, whose product with it is exact
    made = np.where(exponent == 0, (fraction.astype(np.float32) * np.float32(2.0**-24)).view(np.uint32), made)
    made = np.where(exponent == 31, np.where(fraction == 0, _INFINITY, _QUIET_F32 | fraction << 13), made)
    return (sign | made).astype(np.uint32).view(np.float32)


def f32_to_bf16(x: NDArray[np.floating[Any]]) -> Halves:
    """Rounds to bfloat16, ties to even.

    Args:
        x: any shape, float32.

    Returns:
        The same shape, uint16: the bits. NaN becomes a quiet one; left to rounding, it could end as infinity or as zero.
    """
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).reshape(np.shape(x))
    not_a_number = bits & 0x7FFFFFFF > _INFINITY
    # in 64 bits: a NaN's carry must not wrap around, and is not taken
    rounded = bits.astype(np.uint64) + 0x7FFF + (bits >> 16 & 1) >> 16
    return np.where(not_a_number, bits >> 16 | 0x40, rounded).astype(np.uint16)


def bf16_to_f32(h: NDArray[np.integer[Any]]) -> Floats:
    """The numbers that bfloat16 bits stand for: the upper half of a float32, with zeros below.

    Args:
        h: any shape, integers from 0 to 65535.

    Returns:
        The same shape, float32.

    Raises:
        ValueError: no 16 bits.
    """
    return (_sixteen(h) << 16).view(np.float32)


def _sixteen(h: NDArray[np.integer[Any]]) -> NDArray[np.uint32]:
    given = np.asarray(h)
    if given.dtype == np.uint16:
        return given.astype(np.uint32)
    if given.dtype.kind not in "iu" or (given.size and (given.min() < 0 or given.max() > 0xFFFF)):
        raise ValueError(f"{given.dtype} numbers that are no 16 bits")
    return given.astype(np.uint32)
