"""A model with a tokenizer from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from apr.errors import UnusableInput
from apr.formats import open_model
from apr.formats.model_file import ModelFile

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from apr.formats.model_file import Value

_PREFIX = "tokenizer."
_JSON = "tokenizer.json"


class TokenizerKeys(NamedTuple):
    """A tokenizer under GGUF's keys.

    Attributes:
        values: by key, `tokenizer.…`.
        types: how GGUF stores them, where that is known.
    """

    values: dict[str, Value]
    types: dict[str, str]


def read_tokenizer(path: Path, vocabulary: int) -> TokenizerKeys:
    """The tokenizer of another model, or of a tokenizer.json with what stands beside it in the folder.

    Args:
        path: a model of any format, or a file of the name tokenizer.json.
        vocabulary: how many tokens the model has that it is for; of a tokenizer.json, ids that are left out are unused.

    Raises:
        UnusableInput: it holds no tokenizer, or one that contradicts itself or the model.
    """
    if path.name == _JSON:
        from apr.formats.hf_json import Json, read_object  # noqa: PLC0415 - only this needs them
        from apr.formats.hf_tokenizer import tokenizer_keys  # noqa: PLC0415

        config = path.with_name("config.json")
        stated = Json(config, read_object(config) if config.is_file() else {})
        values = tokenizer_keys(path.parent, stated, vocabulary)
        found = TokenizerKeys(values, {})
    else:
        file = open_model(path)
        values = {key: file.metadata[key] for key in file.metadata if key.startswith(_PREFIX)}
        found = TokenizerKeys(values, {key: file.value_types[key] for key in values if key in file.value_types})
    if not found.values:
        raise UnusableInput(
            "holds no tokenizer that has a place in GGUF's keys",
            where=str(path),
            hint="give a model file with one, or the tokenizer.json of a byte-level BPE",
        )
    return found


class WithTokenizer(ModelFile):
    """A model whose `tokenizer.*` keys are others; everything else is its own."""

    def __init__(self, file: ModelFile, tokenizer: TokenizerKeys) -> None:
        self._file = file
        self.path, self.format, self.tensors, self.rope_kind = file.path, file.format, file.tensors, file.rope_kind
        own = [key for key in file.metadata if not key.startswith(_PREFIX)]
        self.metadata: Mapping[str, Value] = {key: file.metadata[key] for key in own} | tokenizer.values
        self.value_types = {key: file.value_types[key] for key in own if key in file.value_types} | tokenizer.types

    @property
    def sha256(self) -> str:
        """Of the model's file; the tokenizer's does not count."""
        return self._file.sha256

    def raw(self, name: str) -> NDArray[np.uint8]:
        """See `ModelFile.raw`."""
        return self._file.raw(name)

    def matrix(self, name: str, index: int) -> NDArray[np.uint8]:
        """See `ModelFile.matrix`."""
        return self._file.matrix(name, index)

    def release(self, name: str) -> None:
        """See `ModelFile.release`."""
        self._file.release(name)
