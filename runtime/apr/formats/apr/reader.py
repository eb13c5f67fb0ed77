"""Opens .apr files, version 2: everything that is said about the tensors is checked, nothing of their data is read.

Readers of this format elsewhere fill in what is missing: zeros for tensors, ones for norms, float32 for unknown types,
defaults for metadata. Here each of these is an error.
"""

from __future__ import annotations

import zlib
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from apr.errors import UnsupportedModel, UnusableInput
from apr.formats.apr.foreign import refuse_foreign
from apr.formats.apr.header import ALIGNMENT, HEADER_SIZE, Flags, Header, read_header
from apr.formats.apr.index import data_end, decide_layout, place_tensors, read_entries
from apr.formats.apr.metadata import parse_metadata
from apr.formats.apr.refuse import DAMAGED, refusal
from apr.formats.files import file_sha256, map_file, release_pages

if TYPE_CHECKING:
    import mmap
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from apr.formats.apr.dtypes import Layout
    from apr.formats.apr.index import AprTensor, Entry

FOOTER_SIZE = 4  # CRC-32 of everything before it, little endian; two of ten files in circulation have none
_CHUNK = 1 << 20


class Footer(NamedTuple):
    """The checksum behind the tensor data, and what it should be."""

    path: Path
    stored: int
    computed: int

    @property
    def matches(self) -> bool:
        """Whether not a byte before it has changed."""
        return self.stored == self.computed


class AprFile:
    """An .apr file, mapped into memory; made by `read_apr`.

    Attributes:
        path: as given.
        header: see `Header`.
        layout: whose conventions names, dimensions and row padding follow.
        metadata: the JSON as it stands; `canonical` resolves its spellings.
        tensors: by name in file order, which is by name; shapes as stored.
        footer: the checksum that stands behind the tensor data, unchecked; None where the file has none.
    """

    def __init__(
        self,
        path: Path,
        data: mmap.mmap,
        header: Header,
        metadata: dict[str, Any],
        layout: Layout,
        tensors: dict[str, AprTensor],
        footer: int | None,
    ) -> None:
        self.path, self.header, self.layout, self.footer = path, header, layout, footer
        self.metadata: Mapping[str, Any] = metadata
        self.tensors: Mapping[str, AprTensor] = tensors
        self._data = data

    @property
    def flags(self) -> Flags:
        """The header's flags."""
        return self.header.flags

    @property
    def size(self) -> int:
        """Of the file, in bytes."""
        return len(self._data)

    def raw(self, name: str) -> NDArray[np.uint8]:
        """The encoded bytes of a tensor; a read-only view, nothing is copied.

        Returns:
            uint8 [nbytes]

        Raises:
            UnusableInput: there is no such tensor.
        """
        tensor = self._tensor(name)
        return np.frombuffer(self._data, np.uint8, tensor.nbytes, tensor.offset)

    def release(self, name: str) -> None:
        """Lets the pages of a tensor go from memory; they come back when they are read again.

        Raises:
            UnusableInput: there is no such tensor.
        """
        tensor = self._tensor(name)
        release_pages(self._data, tensor.offset, tensor.nbytes)

    def _tensor(self, name: str) -> AprTensor:
        tensor = self.tensors.get(name)
        if tensor is None:
            raise UnusableInput(
                f"there is no tensor {name!r}", where=str(self.path), hint="`apr inspect` lists those that are there"
            )
        return tensor

    def verify_footer(self) -> Footer | None:
        """Computes the checksum of the whole file; None where it has no footer. Reads every byte.

        Raises:
            UnusableInput: the file cannot be read any more, or became shorter.
        """
        if self.footer is None:
            return None
        left, crc = len(self._data) - FOOTER_SIZE, 0
        try:
            with self.path.open("rb") as file:  # read, not mapped: mapped pages would count as this process's memory
                while left:
                    chunk = file.read(min(_CHUNK, left))
                    if not chunk:
                        raise UnusableInput("became shorter while it was read", where=str(self.path))
                    crc = zlib.crc32(chunk, crc)
                    left -= len(chunk)
        except OSError as error:
            raise UnusableInput(f"cannot be read: {error.strerror}", where=str(self.path)) from error
        return Footer(self.path, self.footer, crc)

    @cached_property
    def sha256(self) -> str:
        """Hash of the file's bytes, 64 hex digits; taken when first asked for, then kept as long as the file is unchanged."""
        return file_sha256(self.path)


def read_apr(path: str | Path, *, shard: bool = False) -> AprFile:
    """Opens an .apr file: checks header, metadata, tensor index and length, and maps the tensor data.

    Costs time and memory in proportion to metadata and index, not to the tensor data.

    Args:
        path: of the file.
        shard: whether one file of a sharded model will do; otherwise it is refused, because most tensors are not in it.

    Raises:
        UnusableInput: not .apr, cut off, or contradicting itself; the message names the section and the byte offset.
        UnsupportedModel: .apr of another version or kind: v1, `APR1`, compressed, encrypted, an unknown tensor type.
    """
    opened = open_headers(Path(path))
    if Flags.SHARDED in opened.header.flags and not shard:
        raise refusal(
            opened.path,
            "header",
            6,
            "is one shard of a model and has only some of its tensors",
            hint="open the whole set: `open_apr`, with the manifest or with one of its shards",
            kind=UnsupportedModel,
        )
    return finish(opened, decide_layout(opened.path, opened.header, opened.names))


class Opened(NamedTuple):
    """A file whose header, metadata and names are known; types and places wait for the layout."""

    path: Path
    data: mmap.mmap
    header: Header
    metadata: dict[str, Any]
    entries: list[Entry]

    @property
    def names(self) -> list[str]:
        """In file order."""
        return [entry.name for entry in self.entries]


def open_headers(path: Path) -> Opened:
    """The first half of `read_apr`: a shard's layout may be told by another shard's names."""
    data = map_file(path, ".apr")
    head = data[:HEADER_SIZE]
    refuse_foreign(path, head)
    header = read_header(path, head, len(data))
    end = header.metadata_offset + header.metadata_size
    metadata = parse_metadata(data[header.metadata_offset : end], path, header.metadata_offset)
    gap = header.tensor_index_offset - end
    if gap >= ALIGNMENT or any(data[end : header.tensor_index_offset]):
        problem = f"{gap} bytes follow the metadata; less than {ALIGNMENT}, all zero, are padding"
        raise refusal(path, "metadata", end, problem, hint=DAMAGED)
    return Opened(path, data, header, metadata, read_entries(path, data, header))


def finish(opened: Opened, layout: Layout) -> AprFile:
    """The second half of `read_apr`."""
    path, data, header, metadata, entries = opened
    tensors = place_tensors(path, data, header, entries, layout)
    footer = _footer(path, data, data_end(header, tensors))
    return AprFile(path, data, header, metadata, layout, tensors, footer)


def _footer(path: Path, data: mmap.mmap, end: int) -> int | None:
    """The four bytes behind the tensor data, if there are any."""
    left = len(data) - end
    if left not in {0, FOOTER_SIZE}:
        problem = (
            f"the file ends at byte {len(data)}, before the padding behind the last tensor does, at byte {end}"
            if left < 0
            else f"{left} bytes follow the tensor data; a footer has {FOOTER_SIZE}"
        )
        raise refusal(path, "footer", min(end, len(data)), problem, hint=DAMAGED)
    return int.from_bytes(data[end:], "little") if left else None
