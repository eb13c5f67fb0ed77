"""What every model file offers, whatever its format: metadata under GGUF's keys, tensors under GGUF's names.

GGUF is the common tongue because llama.cpp, the oracle, speaks it: the other formats translate their keys, names and row
orders once, when they are opened, and everything behind them is written once.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from apr.errors import UnusableInput

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

Value = int | float | bool | str | list["Value"]
T = TypeVar("T", int, float, bool, str, list["Value"])
# which dimensions of a head rotate together: neighbours (2i, 2i+1), or halves (i, i + dims/2); ggml's names
RopeKind = Literal["norm", "neox"]
# what follows the name of a block type whose rows are filled up to whole blocks, as GGML's never are: `Q4_K padded`
PADDED = " padded"


class Tensor(Protocol):
    """One tensor of a model file: its GGUF name, shape (outermost dimension first), type name and encoded size."""

    @property
    def name(self) -> str:
        """Under GGUF's naming (`blk.0.attn_q.weight`)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Outermost dimension first."""

    @property
    def type_name(self) -> str:
        """The GGML type's name (`Q4_K`), with `PADDED` behind it where rows are filled up; or `AprQ4`, `AprQ8`."""

    @property
    def nbytes(self) -> int:
        """Of the encoded values, without padding."""


class ModelFile(ABC):
    """A model file, opened; nothing of its tensor data is read before it is asked for.

    Attributes:
        path: as given; a folder for models of several files.
        format: `gguf`, `apr` or `safetensors`.
        metadata: under GGUF's keys.
        value_types: how GGUF stores the value of a key (`uint32`, `array:string`), where the file says.
        tensors: under GGUF's names.
        rope_kind: how the rows of the query and key projections are ordered, where the file says; None: as GGUF files of
            this architecture have them.
    """

    path: Path
    format: str
    metadata: Mapping[str, Value]
    value_types: Mapping[str, str] = MappingProxyType({})
    tensors: Mapping[str, Tensor]
    rope_kind: RopeKind | None = None

    @abstractmethod
    def raw(self, name: str) -> NDArray[np.uint8]:
        """The encoded bytes of a tensor, read-only.

        Returns:
            uint8 [rows, bytes a row], rows the product of all dimensions but the innermost; [1, bytes] for encodings that
            do not keep rows apart (AprQ4, AprQ8).

        Raises:
            UnusableInput: there is no such tensor.
        """

    def matrix(self, name: str, index: int) -> NDArray[np.uint8]:
        """The encoded bytes of one matrix of a packed tensor, read-only; formats that store them apart read only this one.

        Args:
            name: of a tensor [matrices, rows, columns].
            index: which matrix.

        Returns:
            uint8 [rows, bytes a row]
        """
        rows = self.tensors[name].shape[1]
        return self.raw(name)[index * rows :][:rows]

    @abstractmethod
    def release(self, name: str) -> None:
        """Lets the pages of a tensor go from memory; they come back when they are read again."""

    @property
    @abstractmethod
    def sha256(self) -> str:
        """Hash of the file's bytes, 64 hex digits; taken when first asked for."""

    @cached_property
    def weights_sha256(self) -> str:
        """Hash of the weights alone: name, type, shape and bytes of every tensor, sorted by name.

        Equal for the same weights in two formats. A head that repeats the embedding counts as tied: it is left out.
        """
        digest = hashlib.sha256()
        for name in sorted(self.tensors):
            tensor = self.tensors[name]
            if name == "output.weight" and self.is_tied_copy():
                continue
            digest.update(f"{name}\0{tensor.type_name}\0{tensor.shape}\0".encode())
            packed = len(tensor.shape) == 3
            for index in range(tensor.shape[0] if packed else 1):  # one at a time: together they may not fit in memory
                raw = self.matrix(name, index) if packed else self.raw(name)
                digest.update(raw.reshape(-1))  # type: ignore[arg-type] # hashlib takes any contiguous buffer
            self.release(name)
        return digest.hexdigest()

    def is_tied_copy(self) -> bool:
        """Whether `output.weight` is there and repeats `token_embd.weight` in type and bytes."""
        head, embedding = self.tensors.get("output.weight"), self.tensors.get("token_embd.weight")
        if head is None or embedding is None:
            return False
        if (head.type_name, head.shape) != (embedding.type_name, embedding.shape):
            return False
        return bool((self.raw(head.name) == self.raw(embedding.name)).all())

    def optional(self, key: str, kind: type[T]) -> T | None:
        """The value of a metadata key, or None where the file does not have it.

        Raises:
            UnusableInput: the value is of another type; a whole number is no float and a truth value is no number.
        """
        if key not in self.metadata:
            return None
        value = self.metadata[key]
        if type(value) is not kind:
            raise UnusableInput(
                f"is a {type(value).__name__}, not a {kind.__name__}", where=f"{self.path}: metadata key {key!r}"
            )
        return value

    def require(self, key: str, kind: type[T]) -> T:
        """The value of a metadata key that has to be there.

        Raises:
            UnusableInput: the key is missing, or its value is of another type.
        """
        value = self.optional(key, kind)
        if value is None:
            raise UnusableInput(
                f"metadata key {key!r} is missing",
                where=str(self.path),
                hint="make the file again with a current converter",
            )
        return value

    @property
    def architecture(self) -> str:
        """`general.architecture`, for example `llama`.

        Raises:
            UnusableInput: the file does not say.
        """
        return self.require("general.architecture", str)
