"""The qwen2 architecture (Yang et al. 2024): a llama whose query, key and value projections always have biases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apr.models.base import check_tensors
from apr.models.config import read_config
from apr.models.decoder import DenseFeedForward, attention_shapes, bias_shapes, dense_shapes, outer_shapes

if TYPE_CHECKING:
    from apr.formats.model_file import ModelFile
    from apr.ops.arithmetic import Arithmetic
    from apr.quant.weights import Weights

ARCHITECTURE = "qwen2"
ROPE_KIND: Final = "neox"


class Qwen2(DenseFeedForward):
    """Every stage is the shared one; `qkv_bias` is never absent."""

    always_biased = True


def build(file: ModelFile, weights: Weights, arithmetic: Arithmetic) -> Qwen2:
    """The model of a file.

    Raises:
        UnusableInput: see `apr.models.config.read_config` and `apr.models.base.check_tensors`.
        UnsupportedModel: see there.
    """
    model = Qwen2(read_config(file, ARCHITECTURE, ROPE_KIND), weights, arithmetic)
    shapes = outer_shapes(model.config, tied="output.weight" not in weights)
    for layer in range(model.config.n_layers):
        shapes |= attention_shapes(model.config, layer) | bias_shapes(model.config, layer)
        shapes |= dense_shapes(model.config, layer)
    check_tensors(model, shapes, file.path)
    return model
