"""One safetensors file: the `safetensors` library checks its header, the tensor data is mapped and never decoded here.

Layout: u64 length of the header, the header (JSON: name to dtype, shape and offsets; `__metadata__`), then the tensors
without a gap, little endian. Source: the format's description in huggingface/safetensors, README.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from safetensors import SafetensorError, safe_open

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.files import map_file, release_pages

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

# bytes: forty thousand tensors with names as long as those of experts, more than any model has in one file; as many as
# fit with the shortest names are read in a second and a half
MAX_HEADER = 6 << 20
_LENGTH = struct.Struct("<Q")
_SMALLEST = _LENGTH.size + len("{}")
# bits of one element; the names are the library's
_BITS = {
    **dict.fromkeys(("F64", "I64", "U64", "C64"), 64),
    **dict.fromkeys(("F32", "I32", "U32"), 32),
    **dict.fromkeys(("F16", "BF16", "I16", "U16"), 16),
    **dict.fromkeys(("BOOL", "I8", "U8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"), 8),
    **dict.fromkeys(("F6_E2M3", "F6_E3M2"), 6),
    "F4": 4,
}
_SAID = 400  # characters of what the library says
_HINT = "the file is cut off or damaged: get it again"


class Stored(NamedTuple):
    """A tensor in a file.

    Attributes:
        dtype: the library's name: `F32`, `F16`, `BF16`, …
        shape: outermost dimension first.
        offset: of the first byte, from the start of the file.
        nbytes: of the values.
    """

    dtype: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int


class SafetensorsFile:
    """A safetensors file, mapped into memory; made by `read_safetensors`.

    Attributes:
        path: as given.
        tensors: by name, in the order of their data.
    """

    def __init__(self, path: Path, data: mmap.mmap, tensors: Mapping[str, Stored]) -> None:
        self.path, self.tensors = path, tensors
        self._data = data

    def raw(self, name: str) -> NDArray[np.uint8]:
        """The bytes of a tensor as they are stored: uint8 [bytes], a read-only view."""
        stored = self.tensors[name]
        return np.frombuffer(self._data, np.uint8, stored.nbytes, stored.offset)

    def release(self, name: str) -> None:
        """Lets the pages of a tensor go from memory; they come back when they are read again."""
        stored = self.tensors[name]
        release_pages(self._data, stored.offset, stored.nbytes)


def read_safetensors(path: Path) -> SafetensorsFile:
    """Opens a safetensors file: checks its header, and maps the tensor data.

    Raises:
        UnusableInput: cut off, overlapping or uncovered data, a dtype that the library does not know, a name twice, no JSON,
            a header beyond `MAX_HEADER`.
        UnsupportedModel: a dtype that only a newer library knows.
    """
    data = map_file(path, "safetensors", _SMALLEST)
    (length,) = _LENGTH.unpack_from(data)
    left = len(data) - _LENGTH.size
    if length > left:
        raise UnusableInput(
            f"the header announces {length} bytes, but only {left} are left in the file",
            where=f"{path}: header, offset 0x0",
            hint=_HINT,
        )
    if length > MAX_HEADER:
        raise UnusableInput(
            f"the header has {length} bytes, at most {MAX_HEADER} are read", where=f"{path}: header, offset 0x0"
        )
    try:
        tensors = dict(_tensors(path, _LENGTH.size + length))
    except (SafetensorError, OSError) as error:
        said = "".join(sign if sign.isprintable() else "?" for sign in str(error)[:_SAID])  # it quotes the file
        raise UnusableInput(f"is no sound safetensors file: {said}", where=f"{path}: header", hint=_HINT) from error
    twice = _twice(data[_LENGTH.size : _LENGTH.size + length])
    if twice is not None:  # the library lets the last one win
        what = "a tensor's name" if twice in tensors else f"the key {twice!r}"
        raise UnusableInput(f"{what} occurs twice", where=f"{path}: header")
    return SafetensorsFile(path, data, tensors)


def _twice(header: bytes) -> str | None:
    """A key that stands twice in one object of a header that the library has read; None where there is none."""
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        if len(dict(pairs)) != len(pairs):
            ((twice, _),) = Counter(key for key, _ in pairs).most_common(1)
            found.append(twice)

    json.loads(header, object_pairs_hook=look)
    return found[0] if found else None


def _tensors(path: Path, start: int) -> Iterator[tuple[str, Stored]]:
    """Every tensor's place. The library tells their order, and has checked that there is no gap between them."""
    with safe_open(os.fspath(path), framework="numpy") as file:
        for name in file.offset_keys():
            entry = file.get_slice(name)
            dtype, shape = entry.get_dtype(), tuple(entry.get_shape())
            if dtype not in _BITS:
                raise UnsupportedModel(f"dtype {dtype} is not known here", where=f"{path}: tensor {name!r}")
            nbytes = math.prod(shape) * _BITS[dtype] // 8
            yield name, Stored(dtype, shape, start, nbytes)
            start += nbytes
