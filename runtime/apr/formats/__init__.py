"""File formats: models, APRT stage files. `open_model` opens a model of any format, told apart by its first bytes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from apr.errors import UnusableInput

if TYPE_CHECKING:
    from apr.formats.model_file import ModelFile


def open_model(path: str | Path) -> ModelFile:
    """Opens a model file, and all parts of one that comes in several.

    Args:
        path: of a GGUF or .apr file, of any part of a split one, of the manifest of .apr shards, or of a folder in Hugging
            Face's layout.

    Raises:
        UnusableInput: it is no model file, or one that contradicts itself.
        UnsupportedModel: a format, version or tensor type that is not read here.
    """
    # each format where it is needed: whoever asks for one does not load the others
    path = Path(path)
    if path.is_dir():
        from apr.formats.hf_folder import read_hf  # noqa: PLC0415

        return read_hf(path)
    if path.suffix == ".safetensors" or path.name in {"config.json", "model.safetensors.index.json"}:
        raise UnusableInput("is one file of a model", where=str(path), hint=f"give its folder, {path.parent}")
    if _first_bytes(path).startswith((b"APR", b"{")):  # a manifest of shards is JSON
        from apr.formats.apr_model import read_apr_model  # noqa: PLC0415

        return read_apr_model(path)
    from apr.formats.split import read_gguf_split  # noqa: PLC0415

    return read_gguf_split(path)


def _first_bytes(path: Path) -> bytes:
    """The first bytes of a file; none of what is no file, which the readers refuse in their own words."""
    if not path.is_file():
        return b""
    try:
        with path.open("rb") as file:
            return file.read(4)
    except OSError:
        return b""
