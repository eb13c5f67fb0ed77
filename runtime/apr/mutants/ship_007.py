"""What was suspected in turn when one model as .apr and as .gguf seemed to part, each planted so that the suspicion is true.

And what it was in the end on the other side: one scale for 256 activations, of which one is many times the others.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np

from apr.mutants.captures import CaptureMutant
from apr.mutants.loading import LoadingMutant
from apr.mutants.planting import Call, Mutant, at, last_input_dropped
from apr.ops.linear import linear_ggml
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.formats.model_file import ModelFile

    Raw = NDArray[np.uint8]

LAYER = 3


def _holding(name: str, of: Callable[[ModelFile], Raw]) -> Callable[[ModelFile], ModelFile]:
    """Other bytes for one tensor; `of` makes them from the sound file."""

    def change(file: ModelFile) -> ModelFile:
        faulty, sound = copy.copy(file), file.raw

        def raw(wanted: str) -> Raw:
            return of(file) if wanted == name else sound(wanted)

        faulty.raw = raw  # type: ignore[assignment,method-assign] # the point of a mutant
        return faulty

    return change


def _one_bit(name: str) -> Callable[[ModelFile], Raw]:
    def of(file: ModelFile) -> Raw:
        changed = np.array(file.raw(name))
        changed.reshape(-1)[-1] ^= 1
        return changed

    return of


def _last_bit(array: Array) -> Array:
    flipped = np.array(array)
    flipped.reshape(-1).view(f"u{array.dtype.itemsize}")[-1] ^= 1
    return flipped


def _activations_crushed(call: Call) -> Array:
    """The product over activations that were rounded to Q8_K, which has one scale for 256 of them."""
    x = np.asarray(call.input("ffn_norm"), np.float32)
    out = linear_ggml(x, call.model.weights, f"blk.{call.key.layer}.ffn_gate.weight")
    return out.astype(call.model.arithmetic.dtype)


_GATE, _BIAS, _NORM = (f"blk.{LAYER}.{name}" for name in ("ffn_gate.weight", "attn_k.bias", "attn_norm.weight"))
_ALL: list[Mutant | LoadingMutant | CaptureMutant] = [
    Mutant("suspect-kernel", "the kernel leaves out the last input of layer 3's down projection", "ffn_out", LAYER,
           at("ffn_out", LAYER, last_input_dropped("ffn_swigl"))),
    LoadingMutant("suspect-population", "layer 3's gate is filled with layer 2's", _GATE, LAYER,
                  _holding(_GATE, lambda file: file.raw(_GATE.replace(f".{LAYER}.", f".{LAYER - 1}.")))),
    LoadingMutant("suspect-biases", "the biases of layer 3's keys are taken for missing and filled with zeros", _BIAS, LAYER,
                  _holding(_BIAS, lambda file: np.zeros_like(file.raw(_BIAS)))),
    LoadingMutant("suspect-layer-3", "one bit of layer 3's attention norm differs", _NORM, LAYER, _holding(_NORM, _one_bit(_NORM))),
    CaptureMutant("suspect-chance", "one bit of layer 3's ffn_swigl differs from run to run", StageKey("ffn_swigl", LAYER), _last_bit, 1),
    Mutant("activations-crushed", "layer 1's gate reads activations of which 256 share a scale", "ffn_gate", 1,
                  at("ffn_gate", 1, _activations_crushed)),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}
