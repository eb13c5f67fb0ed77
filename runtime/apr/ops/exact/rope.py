"""Rotation as `ggml_compute_forward_rope_f32` computes it: angles, their sine and cosine by C, and two products fused into one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.ops.exact.c_library import each, power
from apr.ops.exact.fused import fused_multiply_add
from apr.ops.exact.refused import refused
from apr.ops.rope import Rope, Turns, pairs

if TYPE_CHECKING:
    from typing import Any

    from numpy.typing import NDArray

_F32 = np.float32


def angles_exact(positions: NDArray[np.integer[Any]], rope: Rope) -> NDArray[np.float64]:
    """[positions, dims / 2] in radians, float32 values: `ggml_rope_cache_init`.

    Raises:
        UnsupportedModel: YaRN, whose ramp compilers translate as they like.
    """
    if rope.yarn is not None:
        raise refused("rope scaling by YaRN")
    step = power(rope.theta, float(_F32(-2) / _F32(rope.dims)))
    angle = positions.astype(_F32)
    columns = []
    for pair in range(rope.dims // 2):
        columns.append(angle if rope.divisors is None else angle / _F32(rope.divisors[pair]))
        angle = angle * step
    plain: NDArray[np.float32] = np.stack(columns, axis=-1)
    return (plain * (_F32(1) / _F32(rope.factor))).astype(np.float64)


def turns_exact(angle: NDArray[np.float64], _rope: Rope, _dtype: np.dtype[np.floating[Any]]) -> Turns:
    """Cosine and sine of the angles by the C library; arguments and result as of `apr.ops.rope.turns`."""
    return Turns(*(each(name, angle.astype(_F32))[:, None, :] for name in ("cosf", "sinf")))


def rotate_exact(x: NDArray[np.float32], by: Turns, rope: Rope) -> NDArray[np.float32]:
    """Rotates each pair of every head; arguments and result as of `apr.ops.rope.rotate`.

    The first product of a sum is fused with the addition, the second is rounded before.
    """
    cos, sin = by
    first, second = pairs(rope)
    a, b = x[..., first], x[..., second]
    rotated = np.array(x)
    rotated[..., first] = fused_multiply_add(a, cos, -(b * sin))
    rotated[..., second] = fused_multiply_add(a, sin, b * cos)
    return rotated
