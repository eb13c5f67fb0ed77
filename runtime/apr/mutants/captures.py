"""Faults of a capture: an engine whose stages are tampered with on their way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from apr.capture import Array, Capture
from apr.stages import StageKey

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from apr.capture import Provenance
    from apr.engines.base import Engine

# makes another array of a stage's, or None to lose it
Change = Callable[[Array], "Array | None"]


@dataclass(frozen=True)
class CaptureMutant:
    """One fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        key: the stage it is planted in.
        change: what happens to that stage.
        calls_spared: captures that are left sound before the fault sets in.
    """

    name: str
    fault: str
    key: StageKey
    change: Change
    calls_spared: int = 0

    @property
    def stage(self) -> str:
        """Where it has to be found."""
        return self.key.stage

    @property
    def layer(self) -> int | None:
        """Where it has to be found."""
        return self.key.layer


def _one_bit(array: Array) -> Array:
    flipped = np.array(array)
    flipped.reshape(-1).view(f"u{array.dtype.itemsize}")[-1] ^= 1
    return flipped


def _one_nan(array: Array) -> Array:
    broken = np.array(array)
    broken[0, 0] = np.nan
    return broken


_ALL = [
    CaptureMutant("stage-lost", "layer 7's k_post_rope is not captured", StageKey("k_post_rope", 7), lambda _: None),
    CaptureMutant("row-lost", "the last position of layer 29's ffn_out is not captured", StageKey("ffn_out", 29), lambda a: a[:-1]),
    CaptureMutant("nan-in-stage", "one element of layer 11's attn_out is NaN", StageKey("attn_out", 11), _one_nan),
    CaptureMutant("bit-flipped", "one bit of layer 3's ffn_up differs", StageKey("ffn_up", 3), _one_bit),
    CaptureMutant("second-run-differs", "one bit of layer 12's attention differs, in the second capture only",
                  StageKey("attention", 12), _one_bit, 1),
    CaptureMutant("looking-changes-logits", "one bit of the logits differs when stages are captured",
                  StageKey("lm_head", None), _one_bit),
]  # fmt: skip

MUTANTS = {mutant.name: mutant for mutant in _ALL}


class Tampered:
    """An engine with a fault in its captures; everything else is the engine's own."""

    def __init__(self, engine: Engine, mutant: CaptureMutant) -> None:
        self._engine, self._mutant, self._calls = engine, mutant, 0
        self.name, self.build, self.arithmetic = engine.name, engine.build, engine.arithmetic

    def provenance(self, tokens: Sequence[int]) -> Provenance:
        """The engine's own."""
        return self._engine.provenance(tokens)

    def logits(self, tokens: Sequence[int]) -> Array:
        """The engine's own: nobody looks."""
        return self._engine.logits(tokens)

    def capture(self, tokens: Sequence[int]) -> Capture:
        """The engine's capture with the fault in it."""
        return self.tamper(self._engine.capture(tokens))

    def stream(
        self, tokens: Sequence[int], wanted: Collection[StageKey] | None = None
    ) -> Iterator[tuple[StageKey, Array]]:
        """The stages of `capture`."""
        capture = self.capture(tokens)
        return ((key, capture[key]) for key in capture.keys_in_order() if wanted is None or key in wanted)

    def tamper(self, capture: Capture) -> Capture:
        """Puts the fault into a capture."""
        self._calls += 1
        if self._calls <= self._mutant.calls_spared:
            return capture
        changed = self._mutant.change(capture[self._mutant.key])
        stages = {key: array for key, array in capture.stages.items() if key != self._mutant.key}
        if changed is not None:
            stages[self._mutant.key] = changed
        return Capture(capture.provenance, stages)
