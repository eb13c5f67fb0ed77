"""A fast way to decode a file's weights: ggml's C, used only after it was shown to be right on this very file.

The `gguf` library's numpy is what counts. For each type, before the first use, rows of the file are decoded both ways, the
first and the last of that type and some between; one bit that differs, or a library that cannot do it, and the type is
decoded by numpy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from apr.engines.llama_cpp.kernels import Kernels, open_kernels
from apr.errors import AprError, OracleError
from apr.quant.dequantise import by_gguf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile

_ENDS = 4  # rows from the start of a type's first tensor, and from the end of its last one
_BETWEEN = 12  # rows from anywhere between
_SEED = 20261121


class ProvedDequantiser:
    """Decodes rows of one file; see `apr.quant.dequantise.Dequantiser`.

    Args:
        file: the model.
        kernels: ggml's; by default those of the first provider found, if there is one.

    Attributes:
        refused: why a type is decoded by numpy, by type name; types that ggml decodes are not in it.
    """

    def __init__(self, file: ModelFile, kernels: Kernels | None = None) -> None:
        self._file, self._kernels = file, kernels
        self._proved: set[str] = set()
        self.refused: dict[str, str] = {}

    def __call__(self, raw: NDArray[np.uint8], type_name: str) -> NDArray[np.float32]:
        """[rows, bytes a row] to [rows, columns] float32.

        Raises:
            NotImplementedError: a type that the `gguf` library cannot dequantise.
        """
        if type_name not in self._proved and type_name not in self.refused:
            reason = self._prove(type_name)
            if reason:
                self.refused[type_name] = reason
            else:
                self._proved.add(type_name)
        if self._kernels is not None and type_name in self._proved:
            return self._kernels.dequantise(raw, type_name)
        return by_gguf(raw, type_name)

    def _prove(self, type_name: str) -> str:
        """Why ggml's C is not used for a type; empty if it was shown to be right."""
        if type_name == "F32":
            return "nothing is to be decoded"
        try:
            self._kernels = self._kernels or open_kernels()  # now, so that a file of F32 needs no library
        except OracleError as error:
            return str(error)
        samples = list(self._samples(type_name))
        if not samples:
            return "the file has no rows of this type to try it on"
        for rows in samples:
            expected = by_gguf(rows, type_name)
            try:
                got = self._kernels.dequantise(rows, type_name)
            except AprError as error:
                return str(error)
            if not np.array_equal(got.view(np.uint32), expected.view(np.uint32)):
                return f"differs from the gguf library in {int((got != expected).sum())} of {got.size} numbers"
        return ""

    def _samples(self, type_name: str) -> Iterator[NDArray[np.uint8]]:
        names = [name for name, tensor in self._file.tensors.items() if tensor.type_name == type_name]
        if not names:
            return
        yield np.array(self._file.raw(names[0])[:_ENDS])
        yield np.array(self._file.raw(names[-1])[-_ENDS:])
        rng = np.random.Generator(np.random.PCG64(_SEED))
        for _ in range(_BETWEEN):
            raw = self._file.raw(names[int(rng.integers(len(names)))])
            row = int(rng.integers(len(raw)))
            yield np.array(raw[row : row + 1])
