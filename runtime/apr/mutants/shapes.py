"""Errors of one projection, each of a shape of its own and most of them small enough for usual thresholds to let them through.

Six are planted in the attention's output projection, a square matrix, of a model of 30 layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.planting import Call, Mutant, at, last_input_dropped, last_position, output, times

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.capture import Array

_STAGE, _LAYER = "attn_out", 10


def _middle(count: int) -> int:
    return count // 2


def _biased(out: Array) -> None:
    """By 0.002 standard deviations."""
    out += out.dtype.type(0.002 * out.std())


def _one_channel(out: Array) -> None:
    """A channel in the middle, 5 % too large."""
    out[:, out.shape[1] // 2] *= out.dtype.type(1.05)


def _one_token(out: Array) -> None:
    """A position in the middle holds 5 % of the one before it."""
    row, share = _middle(len(out)), out.dtype.type(0.05)
    out[row] = (1 - share) * out[row] + share * out[row - 1]


def _one_element(out: Array) -> None:
    """By a ten-thousandth of the stage's root mean square: little in any mean."""
    out[-1, 3] += out.dtype.type(1e-4 * np.sqrt(np.mean(out.astype(np.float64) ** 2)))


def _one_nan(out: Array) -> None:
    out[-1, 0] = np.nan


def _shape(
    name: str, fault: str, change: Callable[[Call], Array], kind: str, position: Callable[[int], int] | None = None
) -> Mutant:
    plant = at(_STAGE, _LAYER, change)
    told = f"layer {_LAYER}'s attention output {fault}"
    return Mutant(name, told, _STAGE, _LAYER, plant, kinds=(kind,), position=position)


_ALL = [
    _shape("gain-1.002", "is 0.2 % too large", times(1.002), "gain"),
    _shape("gain-1.02", "is 2 % too large", times(1.02), "gain"),
    _shape("bias-0.002", "is 0.002 standard deviations too large", output(_biased), "bias"),
    _shape("square-last-element-dropped", "ignores the last input", last_input_dropped("attention"), "last element"),
    _shape("channel-1.05", "is 5 % too large in one channel", output(_one_channel), "channel"),
    _shape("token-mixed", "holds 5 % of the position before at one position", output(_one_token), "position", _middle),
    Mutant("one-element", "one element of layer 7's up projection is off by 0.01 % of their root mean square", "ffn_up", 7,
           at("ffn_up", 7, output(_one_element)), kinds=("element",), position=last_position),
    Mutant("one-nan", "one element of layer 11's attention output is NaN", "attn_out", 11,
           at("attn_out", 11, output(_one_nan)), kinds=("not finite",), position=last_position),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
