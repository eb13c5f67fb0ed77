"""The llama architecture (Touvron et al. 2023; Grattafiori et al. 2024), with biases where a file has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apr.models.base import check_tensors
from apr.models.config import read_config
from apr.models.decoder import DenseFeedForward, attention_shapes, bias_shapes, dense_shapes, outer_shapes

if TYPE_CHECKING:
    from apr.formats.model_file import ModelFile
    from apr.ops.arithmetic import Arithmetic
    from apr.quant.weights import Weights

ARCHITECTURE = "llama"
ROPE_KIND: Final = "norm"  # GGUF's converter reorders the rows of queries and keys so that neighbours are pairs


class Llama(DenseFeedForward):
    """Every stage is the shared one."""


def build(file: ModelFile, weights: Weights, arithmetic: Arithmetic) -> Llama:
    """The model of a file.

    Raises:
        UnusableInput: see `apr.models.config.read_config` and `apr.models.base.check_tensors`.
        UnsupportedModel: see there.
    """
    model = Llama(read_config(file, ARCHITECTURE, ROPE_KIND), weights, arithmetic)
    shapes = outer_shapes(model.config, tied="output.weight" not in weights)
    for layer in range(model.config.n_layers):
        shapes |= attention_shapes(model.config, layer) | dense_shapes(model.config, layer)
        if model.has_bias:
            shapes |= bias_shapes(model.config, layer)
    if model.config.rope.divisors is not None:
        shapes["rope_freqs.weight"] = (model.config.rope.dims // 2,)
    check_tensors(model, shapes, file.path)
    return model
