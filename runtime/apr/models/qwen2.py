"""The qwen2 architecture (Yang et al. 2024): a llama whose query, key and value projections always have biases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from apr.models.base import check_tensors
from apr.models.config import read_config
from apr.models.decoder import DenseFeedForward, attention_shapes, bias_shapes, dense_shapes, outer_shapes

if TYPE_CHECKING:
    from collections.abc import Container

    from apr.formats.model_file import ModelFile
    from apr.models.config import Config
    from apr.ops.arithmetic import Arithmetic
    from apr.quant.weights import Weights

ARCHITECTURE = "qwen2"
ROPE_KIND: Final = "neox"


class Qwen2(DenseFeedForward):
    """Every stage is the shared one; `qkv_bias` is never absent."""

    always_biased = True


def read(file: ModelFile) -> Config:
    """The hyper-parameters of a file, see `apr.models.config.read_config`."""
    return read_config(file, ARCHITECTURE, ROPE_KIND)


def shapes(config: Config, held: Container[str]) -> dict[str, tuple[int, ...]]:
    """Every tensor that is read, by GGUF name, outermost dimension first; some only where the file holds them."""
    made = outer_shapes(config, tied="output.weight" not in held)
    for layer in range(config.n_layers):
        made |= attention_shapes(config, layer) | bias_shapes(config, layer) | dense_shapes(config, layer)
    return made


def build(file: ModelFile, weights: Weights, arithmetic: Arithmetic) -> Qwen2:
    """The model of a file.

    Raises:
        UnusableInput: see `read` and `apr.models.base.check_tensors`.
        UnsupportedModel: see there.
    """
    model = Qwen2(read(file), weights, arithmetic)
    check_tensors(model, shapes(model.config, file.tensors), file.path)
    return model
