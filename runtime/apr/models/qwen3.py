"""The qwen3 architecture (Yang et al. 2025): queries and keys are normalised head by head, and there are no biases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apr.models.base import check_tensors
from apr.models.config import read_config
from apr.models.decoder import (
    DenseFeedForward,
    NormedHeads,
    attention_shapes,
    dense_shapes,
    head_norm_shapes,
    outer_shapes,
)

if TYPE_CHECKING:
    from apr.formats.model_file import ModelFile
    from apr.ops.arithmetic import Arithmetic
    from apr.quant.weights import Weights

ARCHITECTURE = "qwen3"
ROPE_KIND: Final = "neox"


class Qwen3(NormedHeads, DenseFeedForward):
    """A dense model with normed heads."""


def build(file: ModelFile, weights: Weights, arithmetic: Arithmetic) -> Qwen3:
    """The model of a file.

    Raises:
        UnusableInput: see `apr.models.config.read_config` and `apr.models.base.check_tensors`.
        UnsupportedModel: see there.
    """
    model = Qwen3(read_config(file, ARCHITECTURE, ROPE_KIND), weights, arithmetic)
    shapes = outer_shapes(model.config, tied="output.weight" not in weights)
    for layer in range(model.config.n_layers):
        shapes |= attention_shapes(model.config, layer) | head_norm_shapes(model.config, layer)
        shapes |= dense_shapes(model.config, layer)
    check_tensors(model, shapes, file.path)
    return model
