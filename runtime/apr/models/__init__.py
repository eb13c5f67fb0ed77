"""Architectures, one file each, and the way from a model file to one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.errors import UnsupportedModel
from apr.models import llama
from apr.models.base import Config, Model, free_run, isolated_run
from apr.quant.weights import Weights

if TYPE_CHECKING:
    from apr.formats.model_file import ModelFile
    from apr.ops.arithmetic import Arithmetic

__all__ = ["ARCHITECTURES", "Config", "Model", "free_run", "isolated_run", "load"]

ARCHITECTURES = {llama.ARCHITECTURE: llama.build}


def load(file: ModelFile, arithmetic: Arithmetic) -> Model:
    """The model that a file holds, ready to run.

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
    return ARCHITECTURES[name](file, Weights(file), arithmetic)
