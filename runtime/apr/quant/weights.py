"""A model's weights: raw bytes from the file, decoded when an equation asks.

Memory is bounded whatever the model: matrices that are small when decoded are kept as long as all of them fit, a large one
is decoded some rows at a time and never held whole, and pages of the file go as soon as they were decoded.
"""

from __future__ import annotations

import copy
import itertools
import math
from typing import TYPE_CHECKING, Self

from apr.errors import UnsupportedModel
from apr.formats.model_file import PADDED
from apr.quant.apr_blocks import APR_DECODERS
from apr.quant.blocks import FORMATS, Affine, Format, affine
from apr.quant.dequantise import Dequantiser, by_gguf
from apr.quant.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile

_KEEP = 1 << 30  # bytes of decoded weights kept; a 135M model fits whole
_WHOLE = 1 << 27  # bytes of a decoded matrix that is still decoded whole
_PART = 1 << 25  # bytes of decoded rows, where it is not
_PAGES = 1 << 20  # bytes in the file that are worth giving back

_serial = itertools.count()


class Weights:
    """Access to the tensors of one model file, by name.

    Args:
        file: the model.
        dequantise: makes numbers of encoded rows.
    """

    def __init__(self, file: ModelFile, dequantise: Dequantiser = by_gguf) -> None:
        self._file = file
        # by tensor name; the number tells the decoded forms of different replacements apart
        self._replaced: dict[str, tuple[int, NDArray[np.uint8]]] = {}
        self._dequantise = dequantise
        self._experts: dict[str, int] = {}
        self._kept = Kept(_KEEP)

    def __contains__(self, name: str) -> bool:
        return name in self._file.tensors

    def names(self) -> list[str]:
        """Every tensor name in the file."""
        return list(self._file.tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """Outermost first."""
        whole = self._file.tensors[name].shape
        return whole[1:] if name in self._experts else whole

    def type_name(self, name: str) -> str:
        """The GGML type's name (`Q4_1`)."""
        return self._file.tensors[name].type_name

    def raw(self, name: str) -> NDArray[np.uint8]:
        """[rows, bytes a row], as stored; [1, bytes] for encodings that do not keep rows apart."""
        index = self._experts.get(name)
        if name not in self._replaced:
            return self._file.raw(name) if index is None else self._file.matrix(name, index)
        raw = self._replaced[name][1]
        if index is None:
            return raw
        rows = math.prod(self.shape(name)[:-1])
        return raw[index * rows :][:rows]

    def with_raw(self, name: str, raw: NDArray[np.uint8]) -> Self:
        """The same weights with the bytes of one tensor replaced; what is decoded of the others is shared."""
        other = copy.copy(self)
        other._replaced = {**self._replaced, name: (next(_serial), raw)}  # noqa: SLF001 # another of us
        return other

    def with_dequantiser(self, dequantise: Dequantiser) -> Self:
        """The same weights, decoded by something else; nothing decoded is shared."""
        other = copy.copy(self)
        other._dequantise, other._kept = dequantise, Kept(_KEEP)  # noqa: SLF001 # another of us
        return other

    def expert(self, name: str, index: int) -> Self:
        """The same weights with one expert's matrix in the place of a packed tensor.

        Args:
            name: of a tensor [experts, rows, columns].
            index: which expert; only its rows are read and decoded.

        Returns:
            Weights in which `name` has shape [rows, columns].
        """
        experts = self._file.tensors[name].shape[0]
        if len(self._file.tensors[name].shape) != 3 or not 0 <= index < experts:
            raise ValueError(f"tensor {name!r} of shape {self._file.tensors[name].shape} has no expert {index}")
        other = copy.copy(self)
        other._experts = {**self._experts, name: index}  # noqa: SLF001 # another of us
        return other

    def format(self, name: str) -> Format:
        """How llama.cpp multiplies the tensor.

        Raises:
            UnsupportedModel: a type that `apr.quant.blocks` does not know.
        """
        type_name = self.type_name(name)
        if type_name not in FORMATS:
            raise UnsupportedModel(
                f"arithmetic `ggml` does not cover weights of type {type_name} (tensor {name!r})",
                where=str(self._file.path),
                hint="use --arithmetic f32 or f64, which take every type that can be dequantised",
            )
        return FORMATS[type_name]

    def rows(self, name: str, indices: NDArray[np.intp]) -> NDArray[np.float32]:
        """[len(indices), columns] float32: some rows, dequantised."""
        if not self._keeps_rows_apart(name):
            return self._decoded(name, "whole", self._plain).scaled[indices]
        return self._numbers(name, self.raw(name)[indices])

    def dequantised(self, name: str) -> NDArray[np.float32]:
        """The whole tensor in its shape as float32; for what is small, such as gains and biases."""
        return self._decoded(name, "whole", self._plain).scaled.reshape(self.shape(name))

    def matrix(self, name: str) -> Iterator[tuple[slice, NDArray[np.float32]]]:
        """Rows of a matrix, dequantised: [part of the rows, columns] float32, in order, all rows together."""
        for part, piece in self._parts(name, "whole", self._plain):
            yield part, piece.scaled

    def affine(self, name: str) -> Iterator[tuple[slice, Affine]]:
        """Rows of a matrix taken apart into exact products and minima, in order, all rows together.

        Raises:
            UnsupportedModel: see `format`.
        """
        apart = self.format(name).minima is not None
        return self._parts(name, "apart", self._apart) if apart else self._parts(name, "whole", self._plain)

    def _plain(self, name: str, raw: NDArray[np.uint8]) -> Affine:
        return Affine(self._numbers(name, raw).reshape(-1, self.shape(name)[-1]), None)

    def _apart(self, name: str, raw: NDArray[np.uint8]) -> Affine:
        return affine(raw, self.type_name(name), lambda rows, _type_name: self._numbers(name, rows))

    def _parts(
        self, name: str, form: str, decode: Callable[[str, NDArray[np.uint8]], Affine]
    ) -> Iterator[tuple[slice, Affine]]:
        rows, columns = math.prod(self.shape(name)[:-1]), self.shape(name)[-1]
        if 4 * rows * columns <= _WHOLE or not self._keeps_rows_apart(name):
            yield slice(0, rows), self._decoded(name, form, decode)
            return
        step = max(1, _PART // (4 * columns))
        for start in range(0, rows, step):
            part = slice(start, min(start + step, rows))
            decoded = decode(name, self.raw(name)[part])
            self._release(name)
            yield part, decoded

    def _decoded(self, name: str, form: str, decode: Callable[[str, NDArray[np.uint8]], Affine]) -> Affine:
        """All rows, from what is kept if they are there."""

        def make() -> Affine:
            made = decode(name, self.raw(name))
            self._release(name)
            return made

        source = self._replaced[name][0] if name in self._replaced else None
        return self._kept.get((name, self._experts.get(name), source, form), make)

    def _keeps_rows_apart(self, name: str) -> bool:
        if self.type_name(name) in APR_DECODERS:
            return False
        return len(self.raw(name)) == math.prod(self.shape(name)[:-1])

    def _release(self, name: str) -> None:
        if name not in self._replaced and self._file.tensors[name].nbytes >= _PAGES:
            self._file.release(name)

    def _numbers(self, name: str, raw: NDArray[np.uint8]) -> NDArray[np.float32]:
        type_name = self.type_name(name)
        if type_name in APR_DECODERS:
            return APR_DECODERS[type_name](raw.reshape(-1), math.prod(self.shape(name)))
        try:
            if type_name.endswith(PADDED):
                return self._dequantise(raw, type_name.removesuffix(PADDED))[:, : self.shape(name)[-1]]
            return self._dequantise(raw, type_name)
        except NotImplementedError as error:
            raise UnsupportedModel(
                f"type {self.type_name(name)} cannot be dequantised here (tensor {name!r})",
                where=str(self._file.path),
                hint="the `gguf` package does it; a newer one may know this type",
            ) from error
