"""Architectures, one file each, and the way from a model file to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.errors import UnsupportedModel
from apr.models import llama, qwen2, qwen3, qwen3moe
from apr.models.base import Model, free_run, isolated_run
from apr.models.cache import KvCache
from apr.models.config import Config
from apr.quant.dequantise import Dequantiser, by_gguf
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Callable

    from apr.formats.model_file import ModelFile
    from apr.ops.arithmetic import Arithmetic

__all__ = ["ARCHITECTURES", "Config", "KvCache", "Model", "free_run", "isolated_run", "load"]

ARCHITECTURES: dict[str, Callable[[ModelFile, Weights, Arithmetic], Model]] = {
    module.ARCHITECTURE: module.build for module in (llama, qwen2, qwen3, qwen3moe)
}


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
    name = file.architecture
    if name not in ARCHITECTURES:
        raise UnsupportedModel(
            f"architecture {name!r} is not one this runtime runs",
            where=f"{file.path}: metadata key 'general.architecture'",
            hint=f"it runs {', '.join(sorted(ARCHITECTURES))}",
        )
    return ARCHITECTURES[name](file, Weights(file, dequantise), arithmetic)
