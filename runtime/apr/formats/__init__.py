"""File formats: models, APRT stage files. `open_model` opens a model of any format, told apart by its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from apr.formats.model_file import ModelFile


def open_model(path: str | Path) -> ModelFile:
    """Opens a model file, and all parts of one that comes in several.

    Args:
        path: of a GGUF or .apr file, of any part of a split one, or of the manifest of .apr shards.

    Raises:
        UnusableInput: it is no model file, or one that contradicts itself.
        UnsupportedModel: a format, version or tensor type that is not read here.
    """
    # each format where it is needed: whoever asks for one does not load the others
    if _first_bytes(path).startswith((b"APR", b"{")):  # a manifest of shards is JSON
        from apr.formats.apr_model import read_apr_model  # noqa: PLC0415

        return read_apr_model(path)
    from apr.formats.split import read_gguf_split  # noqa: PLC0415

    return read_gguf_split(Path(path))


def _first_bytes(path: str | Path) -> bytes:
    """The first bytes of a file; none of what is no file, which the readers refuse in their own words."""
    path = Path(path)
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError:
        return b""
