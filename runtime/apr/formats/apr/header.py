r"""The 64 bytes that every .apr file starts with, all little endian.

    0 magic "APR\0"   4 u8 major   5 u8 minor   6 u16 flags   8 u32 tensors   12 u64 metadata at   20 u32 metadata bytes
    24 u64 tensor index at   32 u64 tensor data at   40 u32 checksum   44 20 zeros

The checksum is CRC-32 (IEEE, zlib's) over the 60 bytes beside it. Source: `apr-format` of paiml/aprender, v2/header_impl.rs.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from enum import IntFlag
from typing import TYPE_CHECKING, NoReturn

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.alignment import aligned
from apr.formats.apr.refuse import DAMAGED, MAKE_AGAIN, refusal

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"APR\0"
VERSION = (2, 0)
HEADER_SIZE = 64
ALIGNMENT = 64
MAX_METADATA = 16 << 20  # MAX_METADATA_SIZE upstream, which its readers do not enforce
MAX_TENSORS = 1 << 18  # the largest mixtures of experts have tens of thousands

_FIELDS = struct.Struct("<4sBBHIQIQQ")  # everything before the checksum
_CHECKSUM_AT = _FIELDS.size
_RESERVED = 20


class Flags(IntFlag):
    """What the header says about the file."""

    NONE = 0
    LZ4_COMPRESSED = 0x0001
    ZSTD_COMPRESSED = 0x0002
    ENCRYPTED = 0x0004
    SIGNED = 0x0008
    SHARDED = 0x0010
    QUANTIZED = 0x0020
    HAS_FILTERBANK = 0x0040
    HAS_MODEL_CARD = 0x0080
    STREAMING = 0x0100
    HAS_VOCAB = 0x0200
    LAYOUT_ROW_MAJOR = 0x0400
    LAYOUT_COLUMN_MAJOR = 0x0800


KNOWN_FLAGS = Flags((1 << 12) - 1)
# what a file with one of these flags would need that is not here
UNREADABLE = {
    Flags.LZ4_COMPRESSED: ("is compressed with LZ4", "write it again without compression"),
    Flags.ZSTD_COMPRESSED: ("is compressed with Zstandard", "write it again without compression"),
    Flags.ENCRYPTED: ("is encrypted", "decrypt it with the program that wrote it"),
    Flags.SIGNED: ("is signed, and the format does not say where its signature stands", "write it again unsigned"),
    Flags.LAYOUT_COLUMN_MAJOR: (
        "says that its matrices are column major; every .apr model is row major",
        "import the model again from its source",
    ),
}


def align(size: int) -> int:
    """The next multiple of 64."""
    return aligned(size, ALIGNMENT)


@dataclass(frozen=True)
class Header:
    """The header's fields.

    Attributes:
        flags: see `Flags`.
        tensor_count: entries in the tensor index.
        metadata_offset: of the JSON, from the start of the file.
        metadata_size: of the JSON in bytes, without the zeros behind it.
        tensor_index_offset: from the start of the file.
        data_offset: from the start of the file; tensors' offsets count from here.
        version: major and minor.
    """

    flags: Flags
    tensor_count: int
    metadata_offset: int
    metadata_size: int
    tensor_index_offset: int
    data_offset: int
    version: tuple[int, int] = VERSION

    def pack(self) -> bytes:
        """The 64 bytes, checksum included."""
        fields = _FIELDS.pack(
            MAGIC,
            *self.version,
            int(self.flags),
            self.tensor_count,
            self.metadata_offset,
            self.metadata_size,
            self.tensor_index_offset,
            self.data_offset,
        )
        reserved = bytes(_RESERVED)
        return fields + struct.pack("<I", checksum(fields + reserved)) + reserved


def checksum(content: bytes) -> int:
    """CRC-32 as the header and the footer have it: IEEE polynomial, `checksum(b"123456789") == 0xCBF43926`."""
    return zlib.crc32(content)


class _HeaderReader:
    def __init__(self, path: Path, content: bytes, file_size: int) -> None:
        self.path, self.content, self.file_size = path, content, file_size

    def refuse(
        self, offset: int, problem: str, hint: str = DAMAGED, kind: type[UnusableInput] = UnusableInput
    ) -> NoReturn:
        raise refusal(self.path, "header", offset, problem, hint=hint, kind=kind)

    def read(self) -> Header:
        if len(self.content) < HEADER_SIZE:
            self.refuse(0, f"the file ends after {len(self.content)} bytes; the header alone has {HEADER_SIZE}")
        magic, major, minor, bits, count, metadata_at, metadata_size, index_at, data_at = _FIELDS.unpack_from(
            self.content
        )
        if magic != MAGIC:
            self.refuse(0, f"is not an .apr file: it starts with {magic!r}, not {MAGIC!r}", "give an .apr file")
        (stored,) = struct.unpack_from("<I", self.content, _CHECKSUM_AT)
        reserved = self.content[_CHECKSUM_AT + 4 :]
        computed = checksum(self.content[:_CHECKSUM_AT] + reserved)
        if stored != computed:
            self.refuse(_CHECKSUM_AT, f"the checksum is {stored:#010x}, but the header's is {computed:#010x}")
        if (major, minor) != VERSION:
            self.refuse(
                4, f"is version {major}.{minor}; version 2.0 is supported", "convert it again", UnsupportedModel
            )
        if any(reserved):
            self.refuse(
                _CHECKSUM_AT + 4, "the reserved bytes are not zero: a newer writer", MAKE_AGAIN, UnsupportedModel
            )
        header = Header(self.flags(bits), count, metadata_at, metadata_size, index_at, data_at)
        self.check_sections(header)
        return header

    def flags(self, bits: int) -> Flags:
        unknown = bits & ~int(KNOWN_FLAGS)
        if unknown:
            self.refuse(6, f"flag {unknown:#06x} is not known", "convert it again", UnsupportedModel)
        flags = Flags(bits)
        for flag, (what, hint) in UNREADABLE.items():
            if flag in flags:
                self.refuse(6, f"flag {flag.name}: the file {what}", hint, UnsupportedModel)
        return flags

    def check_sections(self, header: Header) -> None:
        """Sections follow each other, start at multiples of 64 and lie within the file."""
        if header.metadata_size > MAX_METADATA:
            self.refuse(20, f"{header.metadata_size} bytes of metadata; at most {MAX_METADATA} are possible")
        metadata_end = header.metadata_offset + header.metadata_size
        places = (
            (12, "the metadata", header.metadata_offset, HEADER_SIZE),
            (24, "the tensor index", header.tensor_index_offset, metadata_end),
            (32, "the tensor data", header.data_offset, header.tensor_index_offset),
        )
        for at, what, start, earliest in places:
            if start > self.file_size:
                self.refuse(at, f"{what} would start at byte {start}, but the file ends at byte {self.file_size}")
            if start < earliest:
                self.refuse(
                    at, f"{what} would start at byte {start}, but what stands before it ends at byte {earliest}"
                )
            if start % ALIGNMENT:
                self.refuse(at, f"{what} starts at byte {start}, no multiple of {ALIGNMENT}", MAKE_AGAIN)
        if header.tensor_count > MAX_TENSORS:
            self.refuse(8, f"{header.tensor_count} tensors announced; at most {MAX_TENSORS} are read")


def read_header(path: Path, content: bytes, file_size: int) -> Header:
    """Checks and takes apart the header.

    Args:
        path: of the file, for messages.
        content: the file's first 64 bytes, or all of it where it is shorter.
        file_size: in bytes; no section may start behind it.

    Raises:
        UnusableInput: another magic, cut off, a wrong checksum, sections that overlap, are misaligned or lie outside.
        UnsupportedModel: another version, an unknown flag, or one that stands for what is not read here.
    """
    return _HeaderReader(path, content, file_size).read()
