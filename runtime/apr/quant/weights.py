"""A model's weights: raw bytes from the file, decoded when an equation asks, the recently used ones kept."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, TypeVar, cast

import numpy as np
from gguf import GGMLQuantizationType, quants

from apr.errors import UnsupportedModel
from apr.quant.blocks import AFFINE_TYPES, Affine, affine

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from apr.formats.model_file import ModelFile

_Decoded = TypeVar("_Decoded")
_KEEP = 1 << 30  # bytes of decoded weights kept; a 135M model fits whole


def expert(name: str, index: int) -> str:
    """The name under which `Weights` knows one matrix of a packed tensor: `blk.0.ffn_up_exps.weight[3]`."""
    return f"{name}[{index}]"


def _unpacked(name: str) -> tuple[str, int | None]:
    """The tensor's name in the file, and which of its matrices is meant."""
    base, bracket, index = name.partition("[")
    return (base, int(index[:-1])) if bracket else (name, None)


class Weights:
    """Access to the tensors of one model file, by name; the matrices of a packed tensor by `expert`'s names."""

    def __init__(self, file: ModelFile, replaced: Mapping[str, NDArray[np.uint8]] | None = None) -> None:
        self._file = file
        self._replaced = dict(replaced or {})
        self._kept: OrderedDict[tuple[str, str], tuple[int, object]] = OrderedDict()
        self._kept_bytes = 0

    def __contains__(self, name: str) -> bool:
        return name in self._file.tensors

    def names(self) -> list[str]:
        """Every tensor name in the file."""
        return list(self._file.tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        """Outermost first."""
        base, index = _unpacked(name)
        shape = self._file.tensors[base].shape
        return shape if index is None else shape[1:]

    def type_name(self, name: str) -> str:
        """The GGML type's name (`Q4_1`)."""
        return self._file.tensors[_unpacked(name)[0]].type_name

    def raw(self, name: str) -> NDArray[np.uint8]:
        """[rows, bytes a row], as stored."""
        base, index = _unpacked(name)
        whole = self._replaced[base] if base in self._replaced else self._file.raw(base)
        if index is None:
            return whole
        rows = self.shape(name)[0]
        return whole[index * rows : (index + 1) * rows]

    def with_raw(self, name: str, raw: NDArray[np.uint8]) -> Weights:
        """The same weights with the bytes of one tensor replaced; what was decoded of the others is shared."""
        other = Weights(self._file, {**self._replaced, name: raw})
        for key, entry in self._kept.items():
            if _unpacked(key[0])[0] != name:
                other._kept[key] = entry
                other._kept_bytes += entry[0]
        return other

    def rows(self, name: str, indices: NDArray[np.intp]) -> NDArray[np.float32]:
        """[len(indices), columns] float32: some rows, dequantised."""
        return _dequantise(self.raw(name)[indices], self.type_name(name), name, self._file)

    def dequantised(self, name: str) -> NDArray[np.float32]:
        """The whole tensor in its shape as float32, by the `gguf` library, which shares no code with llama.cpp's C."""

        def decode() -> NDArray[np.float32]:
            return _dequantise(self.raw(name), self.type_name(name), name, self._file).reshape(self.shape(name))

        return self._remember((name, "dequantised"), decode, lambda array: array.nbytes)

    def affine(self, name: str) -> Affine:
        """The matrix taken apart into exact products and minima.

        Raises:
            UnsupportedModel: a type that `apr.quant.blocks` does not know.
        """
        type_name = self.type_name(name)
        if type_name not in AFFINE_TYPES:
            raise UnsupportedModel(
                f"arithmetic `ggml` does not cover weights of type {type_name} (tensor {name!r})",
                where=str(self._file.path),
                hint="use --arithmetic f32 or f64, which take every type the gguf library can dequantise",
            )

        def nbytes(parts: Affine) -> int:
            return parts.scaled.nbytes + (0 if parts.minimum is None else parts.minimum.nbytes)

        return self._remember((name, "affine"), lambda: affine(self.raw(name), type_name), nbytes)

    def _remember(
        self, key: tuple[str, str], make: Callable[[], _Decoded], nbytes: Callable[[_Decoded], int]
    ) -> _Decoded:
        """The decoded form from the kept ones, or made now; the least recently used ones make room."""
        if key in self._kept:
            self._kept.move_to_end(key)
            return cast("_Decoded", self._kept[key][1])
        made = make()
        size = nbytes(made)
        self._kept[key] = (size, made)
        self._kept_bytes += size
        while self._kept_bytes > _KEEP and len(self._kept) > 1:
            _, (freed, _) = self._kept.popitem(last=False)
            self._kept_bytes -= freed
        return made


def _dequantise(raw: NDArray[np.uint8], type_name: str, name: str, file: ModelFile) -> NDArray[np.float32]:
    try:
        return np.asarray(quants.dequantize(raw, GGMLQuantizationType[type_name]), np.float32)
    except NotImplementedError as error:
        raise UnsupportedModel(
            f"the gguf library cannot dequantise type {type_name} (tensor {name!r})", where=str(file.path)
        ) from error
