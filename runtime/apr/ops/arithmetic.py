"""The three arithmetics an engine can run in: which rounding each equation uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.errors import UsageError
from apr.ops.attention import attend, attend_ggml
from apr.ops.linear import linear_f32, linear_f64, linear_ggml
from apr.ops.norm import rms_norm, rms_norm_ggml
from apr.ops.rope import angles, angles_ggml
from apr.ops.softmax import softmax, softmax_ggml

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Arithmetic:
    """One way of rounding.

    Attributes:
        name: `f64`, `f32` or `ggml`.
        dtype: of every stage.
        linear, rms_norm, attend, softmax, angles: the variants of the equations whose rounding differs.
    """

    name: str
    dtype: type[np.floating[Any]]
    linear: Callable[..., Any]
    rms_norm: Callable[..., Any]
    attend: Callable[..., Any]
    softmax: Callable[..., Any]
    angles: Callable[..., Any]


F64 = Arithmetic("f64", np.float64, linear_f64, rms_norm, attend, softmax, angles)
F32 = Arithmetic("f32", np.float32, linear_f32, rms_norm, attend, softmax, angles)
GGML = Arithmetic("ggml", np.float32, linear_ggml, rms_norm_ggml, attend_ggml, softmax_ggml, angles_ggml)

ARITHMETICS = {arithmetic.name: arithmetic for arithmetic in (F64, F32, GGML)}


def arithmetic(name: str) -> Arithmetic:
    """The arithmetic of that name.

    Raises:
        UsageError: no such arithmetic.
    """
    try:
        return ARITHMETICS[name]
    except KeyError:
        raise UsageError(
            f"unknown arithmetic {name!r}", where="--arithmetic", hint=f"one of {', '.join(ARITHMETICS)}"
        ) from None
