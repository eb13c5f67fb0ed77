"""GGUF files, read fail-closed: nothing that a file announces is believed before it was held against the file's size.

Layout (versions 2 and 3, little endian): magic `GGUF`, u32 version, u64 tensor count, u64 metadata count, the
metadata (string key, u32 type, value), the tensor index (string name, u32 dimensions, u64 each dimension innermost
first, u32 type, u64 offset), padding to `general.alignment`, then the tensor data that the offsets count from.
Source: the GGUF specification in the ggml repository (docs/gguf.md); the type numbers and block sizes come from the
`gguf` package.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFValueType

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.alignment import aligned
from apr.formats.files import file_sha256, map_file, release_pages
from apr.formats.model_file import ModelFile, Value

if TYPE_CHECKING:
    import mmap

    from numpy.typing import NDArray

MAGIC = b"GGUF"
VERSIONS = (2, 3)
DEFAULT_ALIGNMENT = 32
MAX_DIMENSIONS = 4  # GGML_MAX_DIMS
MAX_ARRAY_DEPTH = 4  # nobody writes arrays of arrays of arrays of arrays
_MAX_ELEMENTS = 2**63 - 1  # ggml counts elements in int64

_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")
_SCALARS = {
    GGUFValueType.UINT8: struct.Struct("<B"),
    GGUFValueType.INT8: struct.Struct("<b"),
    GGUFValueType.UINT16: struct.Struct("<H"),
    GGUFValueType.INT16: struct.Struct("<h"),
    GGUFValueType.UINT32: _U32,
    GGUFValueType.INT32: struct.Struct("<i"),
    GGUFValueType.FLOAT32: struct.Struct("<f"),
    GGUFValueType.BOOL: struct.Struct("<B"),
    GGUFValueType.UINT64: _U64,
    GGUFValueType.INT64: struct.Struct("<q"),
    GGUFValueType.FLOAT64: struct.Struct("<d"),
}
_VALUE_TYPES = {int(kind): kind for kind in GGUFValueType}
_TENSOR_TYPES = {int(kind): kind for kind in GGMLQuantizationType if kind in GGML_QUANT_SIZES}
# the fewest bytes one element can take in the file: what bounds an announced count
_STRING_MIN = 8  # u64 length
_ARRAY_MIN = 12  # u32 element type, u64 count
_KEY_VALUE_MIN = _STRING_MIN + 4 + 1
_TENSOR_MIN = _STRING_MIN + 4 + 4 + 8


@dataclass(frozen=True)
class TensorInfo:
    """One line of the tensor index.

    Attributes:
        name: as the file spells it.
        shape: outermost dimension first, as numpy counts (the file stores the reverse).
        ggml_type: how the values are encoded.
        offset: of the first byte, from the start of the file.
        nbytes: of the encoded values, without padding.
    """

    name: str
    shape: tuple[int, ...]
    ggml_type: GGMLQuantizationType
    offset: int
    nbytes: int

    @property
    def type_name(self) -> str:
        """The GGML type's name (`Q4_K`)."""
        return self.ggml_type.name


class _Array(NamedTuple):
    """An array that was walked but not decoded: `length` elements of `kind` from byte `start`."""

    kind: GGUFValueType
    length: int
    start: int
    section: str


class _Cursor:
    """A position in the mapped file; every step is checked against the file's end before it is taken."""

    def __init__(self, data: mmap.mmap, path: Path) -> None:
        self.data, self.path, self.size = data, path, len(data)
        self.offset = 0
        self.section = "header"

    def fail(self, problem: str, *, offset: int | None = None, hint: str | None = None) -> NoReturn:
        where = f"{self.path}: {self.section}, offset {self.offset if offset is None else offset:#x}"
        raise UnusableInput(problem, where=where, hint=hint)

    def need(self, nbytes: int, what: str) -> None:
        left = self.size - self.offset
        if nbytes > left:
            self.fail(f"the file ends in the middle of {what}: {nbytes} bytes needed, {left} left")

    def need_count(self, count: int, smallest: int, what: str) -> None:
        left = self.size - self.offset
        if count > left // smallest:
            self.fail(f"{count} {what} announced, but only {left} bytes are left in the file")

    def scalar(self, layout: struct.Struct, what: str) -> int | float:
        self.need(layout.size, what)
        value: int | float = layout.unpack_from(self.data, self.offset)[0]
        self.offset += layout.size
        return value

    def u32(self, what: str) -> int:
        return int(self.scalar(_U32, what))

    def u64(self, what: str) -> int:
        return int(self.scalar(_U64, what))

    def raw_string(self, what: str) -> bytes:
        at = self.offset
        length = self.u64(f"the length of {what}")
        if length > self.size - self.offset:
            left = self.size - self.offset
            self.fail(f"{what} announces {length} bytes, but only {left} are left in the file", offset=at)
        value = self.data[self.offset : self.offset + length]
        self.offset += length
        return value

    def string(self, what: str) -> str:
        at = self.offset
        try:
            return self.raw_string(what).decode()
        except UnicodeDecodeError as error:
            self.fail(f"{what} is not UTF-8 ({error.reason} at its byte {error.start})", offset=at)

    def skip_strings(self, count: int) -> None:
        """Walks over `count` strings without decoding them."""
        data, size, offset, unpack = self.data, self.size, self.offset, _U64.unpack_from
        for index in range(count):
            if size - offset < _STRING_MIN:
                self.offset = offset
                self.fail(f"the file ends before string {index} of {count}")
            (length,) = unpack(data, offset)
            if length > size - offset - _STRING_MIN:
                self.offset = offset
                left = size - offset - _STRING_MIN
                self.fail(f"string {index} of {count} announces {length} bytes, but only {left} are left in the file")
            offset += _STRING_MIN + length
        self.offset = offset

    def array(self, depth: int = 1) -> _Array:
        """Reads an array's head and walks over its elements, so that the cursor stands behind it."""
        at = self.offset
        kind = self.value_type("the array's element type")
        count = self.u64("the array's length")
        if kind is GGUFValueType.ARRAY:
            if depth == MAX_ARRAY_DEPTH:
                self.fail(f"arrays are nested deeper than {MAX_ARRAY_DEPTH} levels", offset=at)
            self.need_count(count, _ARRAY_MIN, "array elements")
            start = self.offset
            for _ in range(count):
                self.array(depth + 1)
            return _Array(kind, count, start, self.section)
        start = self.offset
        if kind is GGUFValueType.STRING:
            self.need_count(count, _STRING_MIN, "array elements")
            self.skip_strings(count)
        else:
            self.need_count(count, _SCALARS[kind].size, "array elements")
            self.offset += count * _SCALARS[kind].size
        return _Array(kind, count, start, self.section)

    def value_type(self, what: str) -> GGUFValueType:
        at = self.offset
        number = self.u32(what)
        kind = _VALUE_TYPES.get(number)
        if kind is None:
            self.fail(f"value type {number} does not exist", offset=at)
        return kind

    def value(self) -> int | float | bool | str | _Array:
        """Reads one metadata value; arrays stay undecoded."""
        kind = self.value_type("the value's type")
        if kind is GGUFValueType.ARRAY:
            return self.array()
        if kind is GGUFValueType.STRING:
            return self.string("the value")
        at = self.offset
        number = self.scalar(_SCALARS[kind], "the value")
        if kind is not GGUFValueType.BOOL:
            return number
        if number not in (0, 1):
            self.fail(f"a truth value must be 0 or 1, not {number}", offset=at)
        return bool(number)

    def decode(self, array: _Array) -> list[Value]:
        """The elements of an array that was walked before."""
        self.offset, self.section = array.start, array.section
        if array.kind is GGUFValueType.STRING:
            return [self.string(f"string {index}") for index in range(array.length)]
        if array.kind is GGUFValueType.ARRAY:
            decoded: list[Value] = []
            for _ in range(array.length):
                inner = self.array()
                after = self.offset
                decoded.append(self.decode(inner))
                self.offset = after
            return decoded
        layout = _SCALARS[array.kind]
        flat = np.frombuffer(self.data, np.dtype(layout.format), array.length, array.start)
        if array.kind is GGUFValueType.BOOL:
            wrong = np.flatnonzero(flat > 1)
            if wrong.size:
                self.fail(f"a truth value must be 0 or 1, not {flat[wrong[0]]}", offset=array.start + int(wrong[0]))
            flat = flat.astype(np.bool_)
        values: list[Value] = flat.tolist()
        return values


class Metadata(Mapping[str, Value]):
    """The file's metadata in file order. Arrays are decoded when they are first asked for, and kept.

    Attributes:
        types: how each value is stored: `uint32`, `string`, `array:int32`, …
    """

    def __init__(
        self,
        data: mmap.mmap,
        path: Path,
        values: dict[str, int | float | bool | str | _Array],
        types: dict[str, str],
    ) -> None:
        self._data, self._path, self._values, self.types = data, path, values, types
        self._decoded: dict[str, list[Value]] = {}

    def __getitem__(self, key: str) -> Value:
        value = self._values[key]
        if not isinstance(value, _Array):
            return value
        if key not in self._decoded:
            self._decoded[key] = _Cursor(self._data, self._path).decode(value)
        return self._decoded[key]

    def peek(self, key: str, count: int) -> tuple[int, list[Value]]:
        """How long an array is, and its first elements, without decoding the others.

        Raises:
            KeyError: there is no such key, or its value is no array.
        """
        value = self._values[key]
        if not isinstance(value, _Array):
            raise KeyError(key)
        first = value._replace(length=min(count, value.length))
        return value.length, _Cursor(self._data, self._path).decode(first)

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values


class GgufFile(ModelFile):
    """A GGUF file, mapped into memory; made by `read_gguf`.

    Attributes:
        path: as given.
        version: 2 or 3.
        alignment: of the tensor data, in bytes.
        metadata: every key with its value (int, float, bool, str, list).
        tensors: every tensor's place and type by name, in file order.
    """

    format = "gguf"

    def __init__(
        self,
        path: Path,
        data: mmap.mmap,
        version: int,
        alignment: int,
        metadata: Metadata,
        tensors: dict[str, TensorInfo],
    ) -> None:
        self.path, self.version, self.alignment = path, version, alignment
        self.metadata: Mapping[str, Value] = metadata
        self.value_types = metadata.types
        self.tensors: Mapping[str, TensorInfo] = tensors
        self._data = data

    def raw(self, name: str) -> NDArray[np.uint8]:
        """The encoded bytes of a tensor, one row a row of its innermost dimension; a read-only view, nothing is copied.

        Returns:
            uint8 [rows, bytes a row]; rows is the product of all dimensions but the innermost.

        Raises:
            UnusableInput: there is no such tensor.
        """
        info = self.tensors.get(name)
        if info is None:
            raise UnusableInput(f"there is no tensor {name!r}", where=str(self.path))
        rows = math.prod(info.shape[:-1])
        return np.frombuffer(self._data, np.uint8, info.nbytes, info.offset).reshape(rows, -1)

    def release(self, name: str) -> None:
        """Lets the pages of a tensor go from memory; they come back when they are read again."""
        info = self.tensors[name]
        release_pages(self._data, info.offset, info.nbytes)

    @cached_property
    def sha256(self) -> str:
        """Hash of the file's bytes, 64 hex digits; taken when first asked for, then kept as long as the file is unchanged."""
        return file_sha256(self.path)


def _version(cursor: _Cursor) -> int:
    if cursor.data[: len(MAGIC)] != MAGIC:
        cursor.fail(
            f"is not a GGUF file: it starts with {cursor.data[: len(MAGIC)]!r}, not {MAGIC!r}", hint="give a .gguf file"
        )
    cursor.offset = len(MAGIC)
    version = cursor.u32("the version")
    if version & 0xFFFF == 0:  # a small number seen from the wrong end
        cursor.fail("is a big-endian GGUF file, which is not supported", offset=4, hint="convert it to little endian")
    if version not in VERSIONS:
        supported = " and ".join(map(str, VERSIONS))
        cursor.fail(f"is GGUF version {version}; versions {supported} are supported", offset=4, hint="convert it again")
    return version


def _metadata(cursor: _Cursor, count: int) -> tuple[dict[str, int | float | bool | str | _Array], dict[str, str]]:
    """Values and their types, by key."""
    cursor.need_count(count, _KEY_VALUE_MIN, "metadata keys")
    values: dict[str, int | float | bool | str | _Array] = {}
    types: dict[str, str] = {}
    for index in range(count):
        cursor.section = f"metadata key {index} of {count}"
        at = cursor.offset
        key = cursor.string("the key")
        cursor.section = f"metadata key {key!r}"
        if key in values:
            cursor.fail("the key occurs twice", offset=at)
        kind_at = cursor.offset
        values[key] = value = cursor.value()
        (kind,) = _U32.unpack_from(cursor.data, kind_at)  # `value` has just found it to exist
        types[key] = _VALUE_TYPES[kind].name.lower()
        if isinstance(value, _Array):
            types[key] += f":{value.kind.name.lower()}"
    return values, types


def _alignment(cursor: _Cursor, values: Mapping[str, object]) -> int:
    alignment = values.get("general.alignment", DEFAULT_ALIGNMENT)
    if type(alignment) is not int or alignment <= 0 or alignment & (alignment - 1):
        cursor.section = "metadata key 'general.alignment'"
        cursor.fail(f"the alignment must be a power of two, not {alignment!r}")
    return alignment


class Entry(NamedTuple):
    """A tensor as the index has it, before its type and place are known to be good.

    Attributes:
        at: of the entry, from the start of the file.
        name: as the file spells it.
        dims: innermost first; none is 0.
        type_number: how the values are encoded.
        type_at: of the type's number, from the start of the file.
        offset: of the first byte, from the start of the tensor data.
    """

    at: int
    name: str
    dims: tuple[int, ...]
    type_number: int
    type_at: int
    offset: int


class Head(NamedTuple):
    """What stands in front of the tensor data.

    Attributes:
        path: as given.
        data: the mapped file.
        version: 2 or 3.
        alignment: of the tensor data, in bytes.
        metadata: every key with its value.
        entries: of the tensor index, in file order; names differ.
        data_start: of the tensor data, from the start of the file; may lie behind the end of a file that is cut off.
    """

    path: Path
    data: mmap.mmap
    version: int
    alignment: int
    metadata: Metadata
    entries: list[Entry]
    data_start: int


def _entry(cursor: _Cursor) -> Entry:
    at = cursor.offset
    name = cursor.string("the name")
    cursor.section = f"tensor {name!r}"
    dims_at = cursor.offset
    n_dims = cursor.u32("the number of dimensions")
    if n_dims > MAX_DIMENSIONS:
        cursor.fail(f"{n_dims} dimensions; at most {MAX_DIMENSIONS} are possible", offset=dims_at)
    dims = [cursor.u64("a dimension") for _ in range(n_dims)]
    elements = math.prod(dims)
    if not 0 < elements <= _MAX_ELEMENTS:
        problem = "a dimension is 0" if elements == 0 else "more elements than 63 bits can count"
        cursor.fail(f"dimensions {dims}: {problem}", offset=dims_at)
    type_at = cursor.offset
    type_number = cursor.u32("the tensor type")
    return Entry(at, name, tuple(dims), type_number, type_at, cursor.u64("the offset"))


def _entries(cursor: _Cursor, count: int) -> list[Entry]:
    cursor.section = "header"
    cursor.need_count(count, _TENSOR_MIN, "tensors")
    entries: dict[str, Entry] = {}
    for index in range(count):
        cursor.section = f"tensor {index} of {count}"
        entry = _entry(cursor)
        if entry.name in entries:
            cursor.fail("the name occurs twice", offset=entry.at)
        entries[entry.name] = entry
    return list(entries.values())


def tensor_info(path: Path, entry: Entry, data_start: int) -> TensorInfo:
    """Type and size of a tensor; its place is not checked.

    Raises:
        UnusableInput: its rows do not divide into the type's blocks.
        UnsupportedModel: a type that the `gguf` package does not know.
    """
    where = f"{path}: tensor {entry.name!r}, offset {entry.type_at:#x}"
    ggml_type = _TENSOR_TYPES.get(entry.type_number)
    if ggml_type is None:
        raise UnsupportedModel(
            f"tensor type {entry.type_number} is not known", where=where, hint="a newer `gguf` package may know it"
        )
    block, block_bytes = GGML_QUANT_SIZES[ggml_type]
    row = entry.dims[0] if entry.dims else 1
    if row % block:
        raise UnusableInput(f"rows of {row} values do not divide into {ggml_type.name} blocks of {block}", where=where)
    nbytes = math.prod(entry.dims) // block * block_bytes
    return TensorInfo(entry.name, tuple(reversed(entry.dims)), ggml_type, data_start + entry.offset, nbytes)


def _refuse_misplaced(cursor: _Cursor, entry: Entry, info: TensorInfo, alignment: int) -> None:
    cursor.section = f"tensor {entry.name!r}"
    if entry.offset % alignment:
        cursor.fail(f"offset {entry.offset} is no multiple of the alignment {alignment}", offset=entry.at)
    end = info.offset + info.nbytes
    if end > cursor.size:
        cursor.fail(
            f"its data would end at byte {end}, but the file ends at byte {cursor.size}",
            offset=entry.at,
            hint="the file is cut off or damaged: get it again",
        )


def _refuse_overlaps(cursor: _Cursor, tensors: Mapping[str, TensorInfo]) -> None:
    ordered = sorted(tensors.values(), key=lambda info: info.offset)
    for before, after in itertools.pairwise(ordered):
        if before.offset + before.nbytes > after.offset:
            cursor.section = f"tensor {after.name!r}"
            cursor.fail(f"its data overlaps that of tensor {before.name!r}", offset=after.offset)


def read_head(path: str | Path) -> Head:
    """Reads header, metadata and tensor index, and says nothing yet about the tensors' types and places.

    Raises:
        UnusableInput: not GGUF, a version other than 2 or 3, big endian, cut off, or contradicting itself; the message names
            the section and the byte offset.
    """
    path = Path(path)
    data = map_file(path, "GGUF", len(MAGIC))
    cursor = _Cursor(data, path)
    version = _version(cursor)
    tensor_count = cursor.u64("the tensor count")
    metadata_count = cursor.u64("the metadata count")
    values, types = _metadata(cursor, metadata_count)
    alignment = _alignment(cursor, values)
    entries = _entries(cursor, tensor_count)
    data_start = aligned(cursor.offset, alignment)
    return Head(path, data, version, alignment, Metadata(data, path, values, types), entries, data_start)


def read_gguf(path: str | Path) -> GgufFile:
    """Opens a GGUF file: checks its header, metadata and tensor index, and maps the tensor data.

    Costs time and memory in proportion to the header, not to the tensor data.

    Raises:
        UnusableInput: as `read_head`; a tensor misaligned, outside the file or overlapping another.
        UnsupportedModel: a tensor type that the `gguf` package does not know.
    """
    head = read_head(path)
    cursor = _Cursor(head.data, head.path)
    tensors: dict[str, TensorInfo] = {}
    for entry in head.entries:
        info = tensor_info(head.path, entry, head.data_start)
        _refuse_misplaced(cursor, entry, info, head.alignment)
        tensors[entry.name] = info
    _refuse_overlaps(cursor, tensors)
    return GgufFile(head.path, head.data, head.version, head.alignment, head.metadata, tensors)
