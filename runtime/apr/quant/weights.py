"""A model's weights: raw bytes from the file, decoded when an equation asks.

Memory is bounded whatever the model: matrices that are small when decoded are kept as long as all of them fit, a large one
is decoded some rows at a time and never held whole, and pages of a large file go as soon as what they hold was used.
"""

from __future__ import annotations

import copy
import itertools
import math
from typing import TYPE_CHECKING, Self

import numpy as np

from apr.errors import UnsupportedModel
from apr.quant.blocks import FORMATS, Affine, Format, affine
from apr.quant.codes import SUPER_BLOCKS, Codes, codes
from apr.quant.dequantise import Dequantiser, by_gguf
from apr.quant.encoded import inside, numbers, row_apart, some_rows, take_rows
from apr.quant.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile

_KEEP = 1 << 30  # bytes of decoded weights kept; a 135M model fits whole
_WHOLE = 1 << 27  # bytes of a decoded matrix that is still decoded whole
_PART = 1 << 25  # bytes of decoded rows, where it is not
_FILE = 1 << 28  # bytes of tensors in a file, up to which its pages may stay in memory
_PAGES = 1 << 20  # bytes of a tensor that are worth giving back

_serial = itertools.count()

if TYPE_CHECKING:
    # tensor, encoded rows, how many they are
    _Decode = Callable[[str, NDArray[np.uint8], int], Affine]


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
        self._large = sum(tensor.nbytes for tensor in file.tensors.values()) > _FILE

    def __contains__(self, name: str) -> bool:
        return name in self._file.tensors

    def names(self) -> list[str]:
        """Every tensor name in the file."""
        return list(self._file.tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """Outermost first."""
        whole = self._file.tensors[name].shape
        return whole[1:] if name in self._experts else whole

    def is_expert(self, name: str) -> bool:
        """Whether the tensor is one expert's of a packed tensor, see `expert`."""
        return name in self._experts

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
        """[len(indices), columns] float32: some rows, dequantised.

        Raises:
            IndexError: a row that the tensor does not have.
        """
        raw, type_name, (rows, columns) = self.raw(name), self.type_name(name), self._size(name)
        if len(raw) == rows:
            return self._plain(name, take_rows(raw, indices), len(indices)).scaled
        if not row_apart(type_name, columns):
            return take_rows(self._decoded(name, "whole", self._plain).scaled, indices)
        each = (some_rows(raw, type_name, columns, slice(index, index + 1)) for index in inside(indices, rows).tolist())
        return np.concatenate([self._plain(name, row, 1).scaled for row in each])

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

    def codes(self, name: str) -> Iterator[tuple[slice, Codes]]:
        """Rows of a matrix of super-blocks as whole numbers and scales, in order, all rows together.

        Raises:
            ValueError: a type that `apr.quant.codes` does not know.
        """
        type_name = self.type_name(name)
        if type_name not in SUPER_BLOCKS:
            raise ValueError(f"tensor {name!r} is {type_name}, which has no super-blocks")
        raw = self.raw(name)
        step = max(1, _PART // (4 * self._size(name)[1]))
        for start in range(0, len(raw), step):
            part = slice(start, min(start + step, len(raw)))
            yield part, codes(raw[part], type_name, self._dequantise)
            self._release(name)

    def _size(self, name: str) -> tuple[int, int]:
        """Rows, all dimensions but the innermost multiplied, and columns."""
        *outer, columns = self.shape(name)
        return math.prod(outer), columns

    def _plain(self, name: str, encoded: NDArray[np.uint8], rows: int) -> Affine:
        try:
            made = numbers(encoded, self.type_name(name), rows, self._size(name)[1], self._dequantise)
        except NotImplementedError as error:
            raise UnsupportedModel(
                f"type {self.type_name(name)} cannot be dequantised here (tensor {name!r})",
                where=str(self._file.path),
                hint="the `gguf` package does it; a newer one may know this type",
            ) from error
        return Affine(made, None)

    def _apart(self, name: str, encoded: NDArray[np.uint8], rows: int) -> Affine:
        return affine(encoded, self.type_name(name), lambda raw, _type_name: self._plain(name, raw, rows).scaled)

    def _parts(self, name: str, form: str, decode: _Decode) -> Iterator[tuple[slice, Affine]]:
        """A matrix whole, from what is kept, or some rows at a time, the pages they came from given back after their use."""
        rows, columns = self._size(name)
        type_name = self.type_name(name)
        # float32 is decoded to the file's own pages, which stay as long as they are kept
        whole = 4 * rows * columns <= _WHOLE and not (self._large and type_name == "F32")
        if whole or not row_apart(type_name, columns):
            yield slice(0, rows), self._decoded(name, form, decode)
            return
        step, raw = max(1, _PART // (4 * columns)), self.raw(name)
        for start in range(0, rows, step):
            part = slice(start, min(start + step, rows))
            yield part, decode(name, some_rows(raw, type_name, columns, part), part.stop - part.start)
            self._release(name)

    def _decoded(self, name: str, form: str, decode: _Decode) -> Affine:
        """All rows, from what is kept if they are there."""

        def make() -> Affine:
            made = decode(name, self.raw(name), self._size(name)[0])
            self._release(name)
            return made

        source = self._replaced[name][0] if name in self._replaced else None
        return self._kept.get((name, self._experts.get(name), source, form), make)

    def _release(self, name: str) -> None:
        if self._large and name not in self._replaced and self._file.tensors[name].nbytes >= _PAGES:
            self._file.release(name)
