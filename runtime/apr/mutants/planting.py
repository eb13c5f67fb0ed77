"""How a fault is planted in the reference: other hyper-parameters, other bytes in a tensor, another computation at a stage."""

from __future__ import annotations

import copy
import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from apr.capture import Array
    from apr.models import Model
    from apr.stages import StageKey


@dataclass(frozen=True)
class Mutant:
    """One planted fault.

    Attributes:
        name: as contracts name it.
        fault: what is wrong, in one line.
        stage, layer: where it has to be found.
        plant: makes the faulty model from a sound one, which stays as it is.
        kinds: names of `apr.parity.kinds.KINDS`, any of which describes it. `scattered` where the error has no simple shape, or one
            that nothing here knows: then no simple name may be told. Empty where nobody is asked.
        position: which of so many positions it touches, where it touches one alone; None for several.
    """

    name: str
    fault: str
    stage: str
    layer: int | None
    plant: Callable[[Model], Model]
    kinds: tuple[str, ...] = field(default=(), kw_only=True)
    position: Callable[[int], int] | None = field(default=None, kw_only=True)


class StageCall(Protocol):
    """How a faulty stage calls the sound one, with other inputs if it likes."""

    def __call__(
        self,
        *,
        tokens: NDArray[np.intp] = ...,
        positions: NDArray[np.intp] = ...,
        stages: Mapping[StageKey, Array] = ...,
    ) -> Array:
        """The sound stage's output."""


@dataclass(frozen=True)
class Call:
    """What a faulty stage has before it."""

    model: Model
    key: StageKey
    tokens: NDArray[np.intp]
    positions: NDArray[np.intp]
    stages: Mapping[StageKey, Array]
    sound: StageCall

    def input(self, name: str) -> Array:
        """One of the stage's inputs."""
        return self.stages[self.model.source(name, self.key.layer)]

    def with_input(self, name: str, value: Array) -> Array:
        """The sound stage, fed another value for one input."""
        return self.sound(stages={**self.stages, self.model.source(name, self.key.layer): value})


def config(**changes: Any) -> Callable[[Model], Model]:
    """Other hyper-parameters."""

    def plant(model: Model) -> Model:
        faulty = copy.copy(model)
        faulty.config = dataclasses.replace(model.config, **changes)
        return faulty

    return plant


def config_scaled(field: str, factor: float) -> Callable[[Model], Model]:
    """One hyper-parameter multiplied."""
    return lambda model: config(**{field: getattr(model.config, field) * factor})(model)


def rope(**changes: Any) -> Callable[[Model], Model]:
    """Another rotation."""
    return lambda model: config(rope=dataclasses.replace(model.config.rope, **changes))(model)


def weight(name: str, change: Callable[[NDArray[np.uint8]], None]) -> Callable[[Model], Model]:
    """Other bytes in one tensor."""

    def plant(model: Model) -> Model:
        raw = np.array(model.weights.raw(name))
        change(raw)
        faulty = copy.copy(model)
        faulty.weights = model.weights.with_raw(name, raw)
        return faulty

    return plant


def at(stage: str, layer: int | None, change: Callable[[Call], Array]) -> Callable[[Model], Model]:
    """Another computation at one stage of one layer; `layer` None means every layer that has the stage."""

    def plant(model: Model) -> Model:
        faulty = copy.copy(model)

        def compute(
            key: StageKey, tokens: NDArray[np.intp], positions: NDArray[np.intp], stages: Mapping[StageKey, Array]
        ) -> Array:
            def sound(
                *,
                tokens: NDArray[np.intp] = tokens,
                positions: NDArray[np.intp] = positions,
                stages: Mapping[StageKey, Array] = stages,
            ) -> Array:
                return model.compute(key, tokens, positions, stages)

            if key.stage != stage or layer not in (None, key.layer):
                return sound()
            return change(Call(model, key, tokens, positions, stages, sound))

        faulty.compute = compute  # type: ignore[method-assign] # the point of a mutant
        return faulty

    return plant


# Weight blocks: the first bytes are the block's float16 scale; `bytes_a_block` as in apr.quant.blocks.


def _largest(blocks: NDArray[np.uint8]) -> int:
    """Index of the block with the greatest scale."""
    scales = np.ascontiguousarray(blocks[:, :2]).view("<f2")[:, 0].astype(np.float32)
    return int(np.argmax(np.abs(scales)))


def float16_up_one_ulp(bytes_a_block: int, start: int = 0) -> Callable[[NDArray[np.uint8]], None]:
    """One float16 of the block with the greatest scale, one ulp further from zero: the scale, or what starts at a later byte."""

    def change(raw: NDArray[np.uint8]) -> None:
        blocks = raw.reshape(-1, bytes_a_block)
        block = blocks[_largest(blocks)]
        block[start : start + 2] = (block[start : start + 2].copy().view("<u2") + np.uint16(1)).view(np.uint8)

    return change


def first_nibble_up_one(bytes_a_block: int, header: int) -> Callable[[NDArray[np.uint8]], None]:
    """One 4-bit code of the block with the greatest scale: 15 becomes 14, everything else one more."""

    def change(raw: NDArray[np.uint8]) -> None:
        blocks = raw.reshape(-1, bytes_a_block)
        block = blocks[_largest(blocks)]
        code = block[header] & 0x0F
        block[header] = (block[header] & 0xF0) | (code - 1 if code == 15 else code + 1)

    return change


# Changes of what a stage puts out.


def output(change: Callable[[Array], None]) -> Callable[[Call], Array]:
    """The sound stage's output, changed in place."""

    def faulty(call: Call) -> Array:
        out = np.array(call.sound())
        change(out)
        return out

    return faulty


def times(factor: float) -> Callable[[Call], Array]:
    """Every element multiplied, in the dtype of the stage."""

    def change(out: Array) -> None:
        out *= out.dtype.type(factor)

    return output(change)


def last_input_dropped(name: str) -> Callable[[Call], Array]:
    """The last column of one input is taken for zero."""

    def change(call: Call) -> Array:
        x = call.input(name).copy()
        x[:, -1] = 0
        return call.with_input(name, x)

    return change


def last_position(count: int) -> int:
    """The last one."""
    return count - 1


def far_position(count: int) -> int:
    """Position 100, or the last one of a shorter text."""
    return min(100, count - 1)
