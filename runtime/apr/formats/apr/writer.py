"""Writes .apr files, version 2, as `apr-format` of paiml/aprender does: sections padded to 64 bytes, tensors sorted by name.

The file appears complete or not at all, and memory holds one chunk of tensor data at a time.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from apr.errors import UsageError
from apr.formats.apr.dtypes import CODES, Dtype, Undecided, dtype_of, encoded_size, layout_of
from apr.formats.apr.header import HEADER_SIZE, MAX_TENSORS, UNREADABLE, Flags, Header, align
from apr.formats.apr.index import MAX_DIMENSIONS, MAX_ELEMENTS, MAX_NAME, pack_entry
from apr.formats.apr.metadata import Spelling, dump_metadata
from apr.formats.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import BinaryIO

    from numpy.typing import NDArray

    from apr.formats.apr.dtypes import Layout

    Chunk: TypeAlias = bytes | bytearray | memoryview | NDArray[Any]
    # name, type, shape as stored, encoded bytes: at once, or piece by piece
    NewTensor: TypeAlias = tuple[str, Dtype, Sequence[int], Chunk | Iterable[Chunk]]


class _Planned(NamedTuple):
    """A tensor whose place in the file is known."""

    name: str
    entry: bytes
    offset: int
    nbytes: int
    data: Chunk | Iterable[Chunk]


class _Output:
    """The file being written, and the checksum of what it holds so far."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.size, self.crc = file, 0, 0

    def write(self, chunk: bytes | memoryview) -> None:
        self.file.write(chunk)
        self.size += len(chunk)
        self.crc = zlib.crc32(chunk, self.crc)

    def pad(self) -> None:
        self.write(bytes(align(self.size) - self.size))


def write_apr(
    path: str | Path,
    metadata: Mapping[str, Any],
    tensors: Iterable[NewTensor],
    *,
    flags: Flags = Flags.LAYOUT_ROW_MAJOR,
    spelling: Spelling | None = None,
    footer: bool = True,
) -> int:
    """Writes an .apr file; it appears complete or not at all.

    Flags and names decide about the layout, as they do for the reader: LAYOUT_ROW_MAJOR means `apr import`'s types and
    dimensions outermost first; QUANTIZED alone with GGUF's names means GGML's types and dimensions innermost first.

    Args:
        path: of the file; its folder must exist.
        metadata: keys to JSON values, see `dump_metadata`.
        tensors: in any order. Where a tensor is too large for memory, give an iterator that makes its bytes piece by piece
            when they are written; all are listed before the first is written.
        flags: for the header; SHARDED, QUANTIZED, HAS_VOCAB and the like are the caller's to set.
        spelling: of the metadata; the one that the layout's writer uses where None.
        footer: whether a checksum of the whole file follows the tensor data.

    Returns:
        The file's size in bytes.

    Raises:
        UsageError: the file cannot be written; flags that cannot be read; a tensor that the format, or this layout of it,
            cannot hold; bytes that contradict type and shape; metadata that `dump_metadata` refuses.
    """
    path = Path(path)
    listed = list(tensors)
    layout = _layout(path, flags, [name for name, *_ in listed])
    raw = dump_metadata(metadata, spelling or (Spelling.CURRENT if layout == "apr" else Spelling.GIVEN))
    planned = _plan(path, listed, layout)
    index = b"".join(tensor.entry for tensor in planned)
    index_at = HEADER_SIZE + align(len(raw))
    header = Header(flags, len(planned), HEADER_SIZE, len(raw), index_at, index_at + align(len(index)))
    with replacing(path) as temporary, temporary.open("wb") as file:
        output = _Output(file)
        for section in (header.pack(), raw, index):
            output.write(section)
            output.pad()
        for tensor in planned:
            _write_data(path, output, tensor)
            output.pad()
        if footer:
            output.write(output.crc.to_bytes(4, "little"))
    return output.size


def _refuse(path: Path, name: str, problem: str, hint: str) -> UsageError:
    return UsageError(problem, where=f"{path}: tensor {name!r}", hint=hint)


def _layout(path: Path, flags: Flags, names: list[str]) -> Layout:
    for flag, (what, _) in UNREADABLE.items():
        if flag in flags:
            raise UsageError(f"flag {flag.name} would say that the file {what}", where=str(path), hint="leave it out")
    if len(names) > MAX_TENSORS:
        raise UsageError(f"{len(names)} tensors; at most {MAX_TENSORS} are read", where=str(path), hint="use shards")
    try:
        return layout_of(flags, names)
    except Undecided as reason:
        raise UsageError(
            reason.problem, where=str(path), hint="set LAYOUT_ROW_MAJOR, or QUANTIZED alone for GGUF's names"
        ) from reason


def _plan(path: Path, listed: list[NewTensor], layout: Layout) -> list[_Planned]:
    """Every tensor with its entry and its place, in the order of names, as bytes."""
    planned: list[_Planned] = []
    offset = 0
    for name, dtype, shape, data in sorted(listed, key=lambda tensor: tensor[0].encode(errors="surrogatepass")):
        if planned and planned[-1].name == name:
            raise _refuse(path, name, "is given twice", "give it once")
        encoded = _name(path, name)
        dims = tuple(int(dim) for dim in shape)
        nbytes = _size(path, name, Dtype(dtype), dims, layout)
        entry = pack_entry(encoded, CODES[layout][Dtype(dtype)], dims, offset, nbytes)
        planned.append(_Planned(name, entry, offset, nbytes, data))
        offset += align(nbytes)
    return planned


def _name(path: Path, name: str) -> bytes:
    try:
        encoded = name.encode()
    except UnicodeEncodeError as error:
        raise _refuse(path, name, f"the name is no Unicode ({error.reason})", "rename it") from error
    if not 0 < len(encoded) <= MAX_NAME:
        raise _refuse(path, name, f"the name has {len(encoded)} bytes; 1 to {MAX_NAME} are possible", "rename it")
    return encoded


def _size(path: Path, name: str, dtype: Dtype, shape: tuple[int, ...], layout: Layout) -> int:
    """Encoded bytes of a tensor that the layout can hold and a reader takes for what it is."""
    code = CODES[layout].get(dtype)
    if code is None:
        known = ", ".join(CODES[layout])
        raise _refuse(path, name, f"type {dtype} cannot be written in layout {layout}", f"types are {known}")
    elements = math.prod(shape)
    if len(shape) > MAX_DIMENSIONS or not 0 < elements <= MAX_ELEMENTS or min(shape, default=1) < 1:
        raise _refuse(
            path, name, f"shape {list(shape)} cannot be written", f"1 to 2**63-1 values, {MAX_DIMENSIONS} dimensions"
        )
    nbytes = encoded_size(dtype, shape, layout)
    if nbytes is None:
        raise _refuse(path, name, f"rows of shape {list(shape)} do not divide into {dtype} blocks", "use another type")
    try:
        read_back = dtype_of(code, shape, nbytes, layout)
    except Undecided as reason:
        raise _refuse(path, name, reason.problem, "use another type") from reason
    if read_back is not dtype:
        raise _refuse(path, name, f"type {dtype} would be read as {read_back}", "use another type")
    return nbytes


def _write_data(path: Path, output: _Output, tensor: _Planned) -> None:
    """The tensor's bytes, and no more or less than its type and shape take."""
    written = 0
    for chunk in _chunks(tensor.data):
        written += len(chunk)
        if written > tensor.nbytes:
            break
        output.write(chunk)
    if written != tensor.nbytes:
        given = f"more than {tensor.nbytes}" if written > tensor.nbytes else str(written)
        raise _refuse(
            path,
            tensor.name,
            f"{given} bytes of data are given, type and shape take {tensor.nbytes}",
            "correct one of them",
        )


def _chunks(data: Chunk | Iterable[Chunk]) -> Iterator[memoryview]:
    """The data as flat bytes, piece by piece."""
    try:
        whole = memoryview(data)  # type: ignore[arg-type] # what is no buffer is an iterable of buffers
    except TypeError:
        for chunk in data:
            yield _flat(memoryview(chunk))  # type: ignore[arg-type] # an int, from bytes, cannot come here
    else:
        yield _flat(whole)


def _flat(view: memoryview) -> memoryview:
    return view.cast("B") if view.c_contiguous and view.nbytes else memoryview(view.tobytes())
