"""The head of an .apr file, fault by fault."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from apr.checks.part import Part, Placed
from apr.checks.verdict import Finding, finding_of
from apr.errors import UnusableInput
from apr.formats.apr.dtypes import Undecided, dtype_of
from apr.formats.apr.header import ALIGNMENT, HEADER_SIZE, MAGIC, Flags, Header, checksum, read_header
from apr.formats.apr.index import decide_layout, read_entries
from apr.formats.apr.metadata import parse_metadata
from apr.formats.files import map_file

if TYPE_CHECKING:
    import mmap
    from pathlib import Path

    from apr.formats.apr.dtypes import Layout
    from apr.formats.apr.index import Entry

_CHECKSUM_AT = 40
_STARTS = {12: "the metadata", 24: "the tensor index", 32: "the tensor data"}  # u64 each


class _Read(NamedTuple):
    """A part and, as far as they can be read, its header and its index before types are known."""

    part: Part
    header: Header | None = None
    entries: list[Entry] | None = None


def _expected_checksum(head: bytes) -> int:
    """The checksum that a header should have, whatever its magic is."""
    return checksum(MAGIC + head[len(MAGIC) : _CHECKSUM_AT] + head[_CHECKSUM_AT + 4 : HEADER_SIZE])


def _stored_checksum(head: bytes) -> int:
    return int.from_bytes(head[_CHECKSUM_AT : _CHECKSUM_AT + 4], "little")


def is_damaged_magic(head: bytes) -> bool:
    """Whether a file would be .apr but for its magic: the checksum covers that, too."""
    return len(head) >= HEADER_SIZE and _stored_checksum(head) == _expected_checksum(head)


def is_one_of_several(head: bytes) -> bool:
    """Whether the header says so."""
    return len(head) >= HEADER_SIZE and bool(int.from_bytes(head[6:8], "little") & Flags.SHARDED)


def survey_apr(paths: list[Path]) -> list[Part]:
    """The heads of the files of one model; the names in all of them together tell the layout.

    Raises:
        UnusableInput: a file cannot be read.
    """
    read = [_read(path) for path in paths]
    names = [entry.name for each in read for entry in each.entries or ()]
    for part, header, entries in read:
        if header is None or entries is None:
            continue
        try:
            layout = decide_layout(part.path, header, names)
        except UnusableInput as error:
            part.faults[9] = finding_of(error, [part.path])
        else:
            part.index = tuple(_placed(part, entry, layout) for entry in entries)
    return [each.part for each in read]


def _read(path: Path) -> _Read:
    data = map_file(path, ".apr")
    part = Part(path, "apr", len(data), alignment=ALIGNMENT)
    head = data[:HEADER_SIZE]
    if not head.startswith(MAGIC):
        part.fault(1, f"starts with {head[:4]!r}, not {MAGIC!r}; the rest is the header of an .apr file", "header", 0)
        return _Read(part)
    part.seen[1] = ".apr"
    if len(head) < HEADER_SIZE:
        part.fault(2, f"the file ends after {len(head)} bytes; the header alone has {HEADER_SIZE}", "header", 0)
        return _Read(part)
    header = _header(part, head)
    return _Read(part) if header is None else _Read(part, header, _sections(part, data, header))


def _header(part: Part, head: bytes) -> Header | None:
    stored, expected = _stored_checksum(head), _expected_checksum(head)
    if stored != expected:
        part.fault(3, f"the checksum is {stored:#010x}, but the header's is {expected:#010x}", "header", _CHECKSUM_AT)
        return None
    part.seen[3] = f"{stored:#010x}"
    for at, what in _STARTS.items():
        (start,) = struct.unpack_from("<Q", head, at)
        if start > part.size:
            part.seen[2] = "as its checksum says"
            part.fault(5, f"{what} would start at byte {start}, but the file ends at byte {part.size}", "header", at)
            return None
    try:
        header = read_header(part.path, head, part.size)
    except UnusableInput as error:
        part.faults[2] = finding_of(error, [part.path])
        return None
    flags = ", ".join(str(flag.name) for flag in header.flags) or "no flags"
    part.seen[2] = f"version {header.version[0]}.{header.version[1]}, {flags}, {header.tensor_count} tensors"
    part.data_start = header.data_offset
    return header


def _sections(part: Part, data: mmap.mmap, header: Header) -> list[Entry] | None:
    """The index; metadata that cannot be read are a fault that leaves the index alone."""
    end = header.metadata_offset + header.metadata_size
    try:
        parse_metadata(data[header.metadata_offset : end], part.path, header.metadata_offset)
    except UnusableInput as error:
        part.faults[8] = finding_of(error, [part.path])
    try:
        return read_entries(part.path, data, header)
    except UnusableInput as error:
        part.faults[9] = finding_of(error, [part.path])
        return None


def _placed(part: Part, entry: Entry, layout: Layout) -> Placed:
    fault = None
    try:
        dtype_of(entry.code, entry.shape, entry.nbytes, layout)
    except Undecided as reason:
        fault = Finding(str(part.path), reason.problem, None, entry.name, entry.at)
    return Placed(entry.name, part.data_start + entry.offset, entry.nbytes, entry.offset, entry.at, fault)
