"""The four arithmetics an engine can run in: which rounding each equation uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.errors import UsageError
from apr.ops.activation import silu
from apr.ops.attention import attend, attend_ggml
from apr.ops.exact.attention import attend_exact
from apr.ops.exact.exponential import silu_exact
from apr.ops.exact.linear import linear_exact
from apr.ops.exact.norm import expert_weights_exact, rms_norm_exact
from apr.ops.exact.rope import angles_exact, rotate_exact, turns_exact
from apr.ops.exact.softmax import softmax_exact
from apr.ops.experts import expert_weights
from apr.ops.linear import linear_f32, linear_f64, linear_ggml
from apr.ops.norm import rms_norm, rms_norm_ggml
from apr.ops.rope import angles, angles_ggml, rotate, turns
from apr.ops.softmax import softmax, softmax_ggml

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Arithmetic:
    """One way of rounding.

    Attributes:
        name: `f64`, `f32`, `ggml`, or `exact`, which is llama.cpp's to the last bit (`apr.ops.exact`).
        dtype: of every stage.
        linear, rms_norm, attend, softmax, angles, turns, rotate, silu, expert_weights: the variants of the equations whose
            rounding differs.
    """

    name: str
    dtype: type[np.floating[Any]]
    linear: Callable[..., Any]
    rms_norm: Callable[..., Any]
    attend: Callable[..., Any]
    softmax: Callable[..., Any]
    angles: Callable[..., Any]
    turns: Callable[..., Any] = turns
    rotate: Callable[..., Any] = rotate
    silu: Callable[..., Any] = silu
    expert_weights: Callable[..., Any] = expert_weights


F64 = Arithmetic("f64", np.float64, linear_f64, rms_norm, attend, softmax, angles)
F32 = Arithmetic("f32", np.float32, linear_f32, rms_norm, attend, softmax, angles)
GGML = Arithmetic("ggml", np.float32, linear_ggml, rms_norm_ggml, attend_ggml, softmax_ggml, angles_ggml)

EXACT = Arithmetic(
    "exact",
    np.float32,
    linear_exact,
    rms_norm_exact,
    attend_exact,
    softmax_exact,
    angles_exact,
    turns_exact,
    rotate_exact,
    silu_exact,
    expert_weights_exact,
)

ARITHMETICS = {arithmetic.name: arithmetic for arithmetic in (F64, F32, GGML, EXACT)}


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
