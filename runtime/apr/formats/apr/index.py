"""The tensor index: one entry a tensor, sorted by name in byte order.

    u16 name length, name (UTF-8), u8 type code, u8 dimensions, u64 each dimension, u64 offset in the tensor data, u64 bytes

Source: `apr-format` of paiml/aprender, v2/tensor_index_impl.rs.
"""

from __future__ import annotations

import itertools
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.apr.dtypes import Dtype, Layout, Undecided, dtype_of, layout_of, matrix_of
from apr.formats.apr.header import ALIGNMENT, Header, align
from apr.formats.apr.refuse import CONVERT_AGAIN, DAMAGED, MAKE_AGAIN, refusal

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MAX_NAME = 256  # bytes; MAX_TENSOR_NAME_LEN upstream
MAX_DIMENSIONS = 8
MAX_ELEMENTS = 2**63 - 1
_U16 = struct.Struct("<H")
_EXTENT = struct.Struct("<QQ")
_ENTRY_MIN = 2 + 1 + 1 + 1 + _EXTENT.size  # the shortest name has one byte


@dataclass(frozen=True, slots=True)
class AprTensor:
    """One entry of the tensor index.

    Attributes:
        name: as the file spells it.
        dtype: how the values are encoded.
        shape: as stored: outermost dimension first in layout apr, innermost first in layout ggml.
        offset: of the first byte, from the start of the file.
        nbytes: of the encoded values, without padding.
    """

    name: str
    dtype: Dtype
    shape: tuple[int, ...]
    offset: int
    nbytes: int

    @property
    def type_name(self) -> str:
        """GGML's name of the type, or `AprQ4`, `AprQ8`."""
        return self.dtype.type_name

    def matrix(self, layout: Layout) -> tuple[int, int]:
        """Rows and columns as the bytes lie."""
        return matrix_of(self.shape, layout)


class Entry(NamedTuple):
    """An entry as it stands in the file, before type and place are known to be good."""

    at: int
    name: str
    code: int
    shape: tuple[int, ...]
    offset: int
    nbytes: int


class _IndexReader:
    """Walks through the index; a step is checked against the index's end before it is taken."""

    def __init__(self, path: Path, data: mmap.mmap, header: Header) -> None:
        self.path, self.data, self.header = path, data, header
        self.at, self.end = header.tensor_index_offset, header.data_offset
        self.section = "tensor index"

    def refuse(
        self, offset: int, problem: str, hint: str = DAMAGED, kind: type[UnusableInput] = UnusableInput
    ) -> NoReturn:
        raise refusal(self.path, self.section, offset, problem, hint=hint, kind=kind)

    def need(self, nbytes: int, what: str) -> None:
        left = self.end - self.at
        if nbytes > left:
            self.refuse(self.at, f"the index ends in the middle of {what}: {nbytes} bytes needed, {left} left")

    def entries(self) -> list[Entry]:
        count, space = self.header.tensor_count, self.end - self.at
        if count > space // _ENTRY_MIN:
            self.section = "header"
            self.refuse(8, f"{count} tensors announced, but the index has only {space} bytes")
        found: list[Entry] = []
        previous = b""
        for index in range(count):
            self.section = f"tensor {index} of {count}"
            raw_name, entry = self.entry()
            if raw_name <= previous:
                fault = "occurs twice" if raw_name == previous else f"comes before {found[-1].name!r}: not sorted"
                self.refuse(entry.at, f"the name {entry.name!r} {fault}", MAKE_AGAIN)
            previous = raw_name
            found.append(entry)
        self.section = "tensor index"
        rest = self.end - self.at
        if rest >= ALIGNMENT or any(self.data[self.at : self.end]):
            self.refuse(self.at, f"{rest} bytes follow the last tensor; less than {ALIGNMENT}, all zero, are padding")
        return found

    def entry(self) -> tuple[bytes, Entry]:
        start = self.at
        self.need(_U16.size, "a name's length")
        (length,) = _U16.unpack_from(self.data, self.at)
        if not 0 < length <= MAX_NAME:
            self.refuse(start, f"the name has {length} bytes; 1 to {MAX_NAME} are possible")
        self.at += _U16.size
        self.need(length, "a name")
        raw = self.data[self.at : self.at + length]
        try:
            name = raw.decode()
        except UnicodeDecodeError as error:
            self.refuse(self.at + error.start, f"the name is not UTF-8 ({error.reason})")
        self.at += length
        self.section = f"tensor {name!r}"
        self.need(2, "type and number of dimensions")
        code, dimensions = self.data[self.at], self.data[self.at + 1]
        if dimensions > MAX_DIMENSIONS:
            self.refuse(self.at + 1, f"{dimensions} dimensions; at most {MAX_DIMENSIONS} are possible")
        self.at += 2
        shape_at = self.at
        self.need(8 * dimensions + _EXTENT.size, "dimensions, offset and size")
        shape = struct.unpack_from(f"<{dimensions}Q", self.data, self.at)
        self.at += 8 * dimensions
        elements = math.prod(shape)
        if not 0 < elements <= MAX_ELEMENTS:
            problem = "a dimension is 0" if elements == 0 else "more elements than 63 bits can count"
            self.refuse(shape_at, f"shape {list(shape)}: {problem}")
        offset, nbytes = _EXTENT.unpack_from(self.data, self.at)
        self.at += _EXTENT.size
        return raw, Entry(start, name, code, shape, offset, nbytes)

    def tensor(self, entry: Entry, layout: Layout) -> AprTensor:
        """The entry with its type known and its place within the file."""
        self.section = f"tensor {entry.name!r}"
        try:
            dtype = dtype_of(entry.code, entry.shape, entry.nbytes, layout)
        except Undecided as reason:
            hint, kind = (CONVERT_AGAIN, UnsupportedModel) if reason.unknown else (DAMAGED, UnusableInput)
            self.refuse(entry.at, reason.problem, hint, kind)
        if dtype is Dtype.Q8_1:
            self.refuse(entry.at, "type Q8_1 is not read", "convert it again to Q8_0", UnsupportedModel)
        if entry.offset % ALIGNMENT:
            self.refuse(entry.at, f"its data starts at {entry.offset}, no multiple of {ALIGNMENT}", MAKE_AGAIN)
        start = self.header.data_offset + entry.offset
        if start + entry.nbytes > len(self.data):
            self.refuse(
                entry.at,
                f"its data would end at byte {start + entry.nbytes}, but the file ends at byte {len(self.data)}",
            )
        return AprTensor(entry.name, dtype, entry.shape, start, entry.nbytes)

    def refuse_overlaps(self, tensors: Iterable[AprTensor]) -> None:
        ordered = sorted(tensors, key=lambda tensor: tensor.offset)
        for before, after in itertools.pairwise(ordered):
            if before.offset + before.nbytes > after.offset:
                self.section = f"tensor {after.name!r}"
                self.refuse(after.offset, f"its data overlaps that of tensor {before.name!r}", MAKE_AGAIN)


def read_entries(path: Path, data: mmap.mmap, header: Header) -> list[Entry]:
    """Walks through the index: counts, names and their order, dimensions.

    Raises:
        UnusableInput: more tensors announced than fit; an entry that is cut off; a name that is empty, too long, not UTF-8,
            out of order or there twice; a dimension that is 0, or more values than 63 bits count.
    """
    return _IndexReader(path, data, header).entries()


def decide_layout(path: Path, header: Header, names: Iterable[str]) -> Layout:
    """Whose conventions the file follows, see `layout_of`.

    Raises:
        UnsupportedModel: flags and names contradict each other.
    """
    try:
        return layout_of(header.flags, names)
    except Undecided as reason:
        raise refusal(
            path,
            "tensor index",
            header.tensor_index_offset,
            reason.problem,
            hint=CONVERT_AGAIN,
            kind=UnsupportedModel,
        ) from reason


def place_tensors(
    path: Path, data: mmap.mmap, header: Header, entries: Iterable[Entry], layout: Layout
) -> dict[str, AprTensor]:
    """Types and places of all tensors, by name in file order, which is by name.

    Raises:
        UnusableInput: a size that contradicts type and shape; data misaligned, overlapping or outside the file.
        UnsupportedModel: a type code that is not known, or one that cannot be decided.
    """
    reader = _IndexReader(path, data, header)
    tensors = {entry.name: reader.tensor(entry, layout) for entry in entries}
    reader.refuse_overlaps(tensors.values())
    return tensors


def data_end(header: Header, tensors: Mapping[str, AprTensor]) -> int:
    """The byte behind the last tensor and its padding: where the file ends, or its footer starts."""
    return max(
        [header.data_offset, *(align(tensor.offset + tensor.nbytes) for tensor in tensors.values())],
    )


def pack_entry(name: bytes, code: int, shape: tuple[int, ...], offset: int, nbytes: int) -> bytes:
    """One entry as bytes; `offset` counts from the start of the tensor data."""
    return (
        _U16.pack(len(name))
        + name
        + bytes([code, len(shape)])
        + struct.pack(f"<{len(shape)}Q", *shape)
        + _EXTENT.pack(offset, nbytes)
    )
