"""Files in the .apr format made by hand, byte by byte, with nothing of the runtime's writer."""

from __future__ import annotations

import json
import struct
import zlib
from typing import Any


def pad(content: bytes) -> bytes:
    """Zeros up to the next multiple of 64."""
    return content + bytes(-len(content) % 64)


class ByHand:
    """An .apr file to be: change a part, then take `bytes`.

    Attributes:
        metadata: JSON data, or bytes as they shall stand.
        entries: (name, type code, dims, data); each may be bytes of a whole entry instead.
        flags: of the header.
        footer: whether a checksum follows.
        fields: the header's fields by name, where they shall be other than they should be.
        tail: what stands behind the data of `entries`.
    """

    def __init__(self, metadata: Any = None, entries: list[Any] | None = None, *, flags: int = 0x0400) -> None:
        self.metadata = {"model_type": "test", "total_size": 0, "param_count": 0} if metadata is None else metadata
        self.entries = [("a", 0, (2,), bytes(8)), ("b", 0, (2, 3), bytes(range(24)))] if entries is None else entries
        self.flags, self.footer, self.fields = flags, False, dict[str, Any]()
        self.tail = b""

    @staticmethod
    def entry(name: bytes, code: int, dims: tuple[int, ...], offset: int, size: int) -> bytes:
        """One entry of the index, whatever it says."""
        head = struct.pack("<H", len(name)) + name + bytes([code, len(dims)])
        return head + struct.pack(f"<{len(dims)}Q", *dims) + struct.pack("<QQ", offset, size)

    def sections(self) -> tuple[bytes, bytes, bytes]:
        """Metadata, index and data without the padding of the first two."""
        raw = self.metadata if isinstance(self.metadata, bytes) else json.dumps(self.metadata).encode()
        index = data = b""
        for item in self.entries:
            if isinstance(item, bytes):
                index += item
                continue
            name, code, dims, content = item
            index += self.entry(name if isinstance(name, bytes) else name.encode(), code, dims, len(data), len(content))
            data += pad(content)
        return raw, index, data

    def header(self, raw: bytes, index: bytes) -> bytes:
        """The 64 bytes for these sections; their checksum is right unless `fields` says another."""
        index_at = 64 + len(pad(raw))
        fields: dict[str, Any] = {
            "magic": b"APR\0",
            "major": 2,
            "minor": 0,
            "flags": self.flags,
            "count": len(self.entries),
            "metadata_at": 64,
            "metadata_size": len(raw),
            "index_at": index_at,
            "data_at": index_at + len(pad(index)),
            "reserved": bytes(20),
        } | self.fields
        reserved: bytes = fields["reserved"]
        first = [value for key, value in fields.items() if key not in {"checksum", "reserved"}]
        head = struct.pack("<4sBBHIQIQQ", *first)
        crc = zlib.crc32(head + reserved)
        return head + struct.pack("<I", fields.get("checksum", crc)) + reserved

    @property
    def bytes(self) -> bytes:
        """The file."""
        raw, index, data = self.sections()
        content = self.header(raw, index) + pad(raw) + pad(index) + data + self.tail
        return content + struct.pack("<I", zlib.crc32(content)) if self.footer else content
