"""Six errors of one projection, each of a shape of its own and small enough for usual thresholds to let it through.

They are planted in the attention's output projection, a square matrix, of a model of 30 layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.mutants.planting import Call, Mutant, at, last_input_dropped, output, times

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
]

MUTANTS = {mutant.name: mutant for mutant in _ALL}
