"""File formats: models, APRT stage files. `open_model` opens a model of any format, told apart by its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apr.formats.model_file import ModelFile


def open_model(path: str | Path) -> ModelFile:
    """Opens a model file, and all parts of one that comes in several.

    Args:
        path: of a GGUF file, or of any part of a split one.

    Raises:
        UnusableInput: it is no model file, or one that contradicts itself.
        UnsupportedModel: a format, version or tensor type that is not read here.
    """
    from apr.formats.split import read_gguf_split  # noqa: PLC0415 - whoever asks for one format does not load the others

    return read_gguf_split(Path(path))
