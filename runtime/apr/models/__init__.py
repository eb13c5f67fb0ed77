"""Architectures, one file each, and the way from a model file to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from apr.errors import UnsupportedModel
from apr.models import llama, qwen2, qwen3, qwen3moe
from apr.models.base import Model, free_run, isolated_run
from apr.models.cache import KvCache
from apr.models.config import Config
from apr.quant.dequantise import Dequantiser, by_gguf
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from apr.formats.model_file import ModelFile
    from apr.ops.arithmetic import Arithmetic

__all__ = [
    "ARCHITECTURES",
    "Architecture",
    "Config",
    "KvCache",
    "Model",
    "architecture_of",
    "free_run",
    "isolated_run",
    "load",
]


class Architecture(NamedTuple):
    """What an architecture's module offers.

    Attributes:
        read: its hyper-parameters from a file.
        shapes: of every tensor that it reads, given the hyper-parameters and the names that the file holds.
        build: the model, ready to run.
    """

    read: Callable[[ModelFile], Config]
    shapes: Callable[[Config, Container[str]], dict[str, tuple[int, ...]]]
    build: Callable[[ModelFile, Weights, Arithmetic], Model]


ARCHITECTURES = {
    module.ARCHITECTURE: Architecture(module.read, module.shapes, module.build)
    for module in (llama, qwen2, qwen3, qwen3moe)
}


def architecture_of(file: ModelFile) -> Architecture:
    """The architecture that a file names.

    Raises:
        UnsupportedModel: it is not built here.
        UnusableInput: the file names none.
    """
    name = file.architecture
    if name not in ARCHITECTURES:
        raise UnsupportedModel(
            f"architecture {name!r} is not one this runtime runs",
            where=f"{file.path}: metadata key 'general.architecture'",
            hint=f"it runs {', '.join(sorted(ARCHITECTURES))}",
        )
    return ARCHITECTURES[name]


def load(file: ModelFile, arithmetic: Arithmetic, dequantise: Dequantiser = by_gguf) -> Model:
    """The model that a file holds, ready to run.

    Args:
        file: the model.
        arithmetic: which rounding each equation uses.
        dequantise: makes numbers of encoded rows.

    Raises:
        UnsupportedModel: its architecture is not built here.
        UnusableInput: the file contradicts itself.
    """
    return architecture_of(file).build(file, Weights(file, dequantise), arithmetic)
