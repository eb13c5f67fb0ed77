"""A capture: named stages of one forward pass, with what is needed to know what they may be compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from apr.stages import FIRST_LAYER_ONLY, WHOLE_MODEL, StageKey

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Provenance:
    """Where a capture comes from.

    Attributes:
        engine: `numpy`, `llama.cpp`, or the name a foreign engine gives itself.
        build: version or build of the engine.
        arithmetic: `f64`, `f32` or `ggml`: how values were rounded on the way.
        architecture: as the model file names it (`llama`).
        model_sha256: of the model file's bytes.
        tokens: token ids, one a position.
        positions: the position of each row of every stage.
        weights_sha256: of the weights alone, whatever format they are stored in (`ModelFile.weights_sha256`); None where
            the engine does not say.
    """

    engine: str
    build: str
    arithmetic: str
    architecture: str
    model_sha256: str
    tokens: tuple[int, ...]
    positions: tuple[int, ...]
    weights_sha256: str | None = None


@dataclass
class Capture:
    """Stages by key; each array is [positions, width], row p belonging to `provenance.positions[p]`."""

    provenance: Provenance
    stages: dict[StageKey, Array] = field(default_factory=dict)

    def __getitem__(self, key: StageKey) -> Array:
        return self.stages[key]

    def keys_in_order(self) -> list[StageKey]:
        """Keys in forward order."""
        return sorted(self.stages, key=lambda key: key.order)


def expected_keys(stage_names: tuple[str, ...], n_layers: int) -> list[StageKey]:
    """The keys that a complete capture of a model with these stages has, in forward order."""
    keys = [
        StageKey(name, layer)
        for name in stage_names
        for layer in ((None,) if name in WHOLE_MODEL else (0,) if name in FIRST_LAYER_ONLY else range(n_layers))
    ]
    return sorted(keys, key=lambda key: key.order)
