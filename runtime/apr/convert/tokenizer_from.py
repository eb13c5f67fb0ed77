"""A model with another file's tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from apr.formats.model_file import ModelFile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_PREFIX = "tokenizer."


class WithTokenizer(ModelFile):
    """A model whose `tokenizer.*` keys are another file's; everything else is its own."""

    def __init__(self, file: ModelFile, tokenizer: ModelFile) -> None:
        self._file = file
        self.path, self.format, self.tensors, self.rope_kind = file.path, file.format, file.tensors, file.rope_kind
        own = [key for key in file.metadata if not key.startswith(_PREFIX)]
        other = [key for key in tokenizer.metadata if key.startswith(_PREFIX)]
        self.metadata = {key: file.metadata[key] for key in own} | {key: tokenizer.metadata[key] for key in other}
        self.value_types = {
            **{key: file.value_types[key] for key in own if key in file.value_types},
            **{key: tokenizer.value_types[key] for key in other if key in tokenizer.value_types},
        }

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
