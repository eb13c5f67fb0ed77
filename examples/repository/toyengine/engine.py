"""The engine: a token's vector attends to those before it, and the likeliest next token is the nearest vector."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np

from toyengine.kernels import rotate, softmax

if TYPE_CHECKING:
    from pathlib import Path

WIDTH, VOCABULARY = 16, 50


class Engine:
    """One layer with weights that are the same each time.

    Args:
        turn_twice: the fault of a cache that turns its keys again each time they are read.
        drift: the fault of an engine that does not compute the same twice: it keeps something from one call to the next.
    """

    def __init__(self, *, turn_twice: bool = False, drift: bool = False) -> None:
        draw = np.random.default_rng(1)
        self.table = draw.standard_normal((VOCABULARY, WIDTH)).astype(np.float32)
        self.q, self.k, self.v = draw.standard_normal((3, WIDTH, WIDTH)).astype(np.float32) / np.float32(4)
        self.turn_twice, self.drift, self.calls = turn_twice, drift, 0

    def step(self, token: int, keys: list[np.ndarray], values: list[np.ndarray]) -> dict[str, np.ndarray]:
        """One position: adds its key and value to the lists, and returns the stages that it computes, each [width]."""
        self.calls += 1
        x = self.table[token % VOCABULARY]
        if self.drift:
            x = x * np.float32(1 + self.calls * 1e-6)
        position = len(keys)
        if self.turn_twice:
            keys[:] = [rotate(key, 1) for key in keys]
        keys.append(rotate(self.k @ x, position))
        values.append(self.v @ x)
        query = rotate(self.q @ x, position)
        scores = np.array([[query @ key / np.float32(np.sqrt(WIDTH)) for key in keys]], dtype=np.float32)
        mixed = softmax(scores)[0] @ np.stack(values)
        return {"embedding": x, "attention": mixed, "lm_head": self.table @ (x + mixed)}

    def cached(self, tokens: list[int]) -> np.ndarray:
        """Logits of the last position, [vocabulary]; every token is computed once."""
        keys: list[np.ndarray] = []
        values: list[np.ndarray] = []
        return [self.step(token, keys, values) for token in tokens][-1]["lm_head"]

    def uncached(self, tokens: list[int]) -> np.ndarray:
        """The same, with keys and values made anew from the tokens alone."""
        keys = [rotate(self.k @ self.table[token % VOCABULARY], at) for at, token in enumerate(tokens[:-1])]
        values = [self.v @ self.table[token % VOCABULARY] for token in tokens[:-1]]
        whole = Engine()
        return whole.step(tokens[-1], keys, values)["lm_head"]

    def write(self, tokens: list[int], folder: Path) -> None:
        """Every stage of a pass as stage files, which `apr diff` and `apr parity` read."""
        keys: list[np.ndarray] = []
        values: list[np.ndarray] = []
        passed = [self.step(token, keys, values) for token in tokens]
        for stage, name, layer in (
            ("embedding", "layer-0/embedding", 0),
            ("attention", "layer-0/attention", 0),
            ("lm_head", "lm_head", 0xFFFFFFFF),
        ):
            array = np.stack([one[stage] for one in passed]).astype("<f4")
            (folder / f"{name}.bin").parent.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}.bin").write_bytes(struct.pack("<4sII", b"APRT", layer, array.size) + array.tobytes())
