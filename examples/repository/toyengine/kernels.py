"""The functions that contracts speak of, under the names that they use: arrays of float32 in, arrays of float32 out."""

from __future__ import annotations

import numpy as np

PRODUCER = "toyengine"
BUILD = "toyengine 0.1.0"


def softmax(x: np.ndarray) -> np.ndarray:
    """The weights of each row of scores."""
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    weights: np.ndarray = powers / powers.sum(axis=-1, keepdims=True)
    return weights


def rotate(x: np.ndarray, position: int) -> np.ndarray:
    """One vector of even size, its neighbours turned by angles that grow with the position."""
    angle = position * 100.0 ** (-np.arange(len(x) // 2) / (len(x) // 2))
    cos, sin = np.cos(angle), np.sin(angle)
    turned = np.stack([x[0::2] * cos - x[1::2] * sin, x[0::2] * sin + x[1::2] * cos], axis=-1)
    return turned.reshape(len(x)).astype(np.float32)
