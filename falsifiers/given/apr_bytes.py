"""The bytes of .apr files taken apart and put together here, with nothing of the runtime, so that its mistakes are not shared."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from pathlib import Path

ROW_MAJOR, QUANTIZED, COLUMN_MAJOR = 0x0400, 0x0020, 0x0800
_HEADER = struct.Struct("<4sBBHIQIQQ")


class Stored(NamedTuple):
    """A tensor as the index has it: type code, dimensions in the file's order, encoded bytes."""

    code: int
    dims: tuple[int, ...]
    data: bytes


@dataclass
class AprBytes:
    """An .apr file, taken apart.

    Attributes:
        flags: of the header.
        metadata: the JSON.
        tensors: by name as the file spells it.
        tail: what follows the last tensor's padding.
    """

    flags: int
    metadata: dict[str, Any]
    tensors: dict[str, Stored]
    tail: bytes = b""

    @classmethod
    def read(cls, path: Path) -> AprBytes:
        """Takes a file apart."""
        content = path.read_bytes()
        _, _, _, flags, count, at, size, index, data = _HEADER.unpack_from(content)
        tensors: dict[str, Stored] = {}
        end = data
        for _ in range(count):
            (length,) = struct.unpack_from("<H", content, index)
            name = content[index + 2 : index + 2 + length].decode()
            index += 2 + length
            code, dimensions = content[index], content[index + 1]
            dims = struct.unpack_from(f"<{dimensions}Q", content, index + 2)
            offset, nbytes = struct.unpack_from("<QQ", content, index + 2 + 8 * dimensions)
            index += 2 + 8 * dimensions + 16
            start = data + offset
            tensors[name] = Stored(code, dims, content[start : start + nbytes])
            end = max(end, start + nbytes + -nbytes % 64)
        return cls(flags, json.loads(content[at : at + size]), tensors, content[end:])

    def write(self, path: Path) -> Path:
        """Puts a file together."""
        raw = json.dumps(self.metadata).encode()
        index, data = b"", b""
        for name in sorted(self.tensors, key=str.encode):
            code, dims, content = self.tensors[name]
            index += struct.pack("<H", len(name.encode())) + name.encode() + bytes([code, len(dims)])
            index += struct.pack(f"<{len(dims)}QQQ", *dims, len(data), len(content))
            data += _padded(content)
        at = 64 + len(_padded(raw))
        fields = _HEADER.pack(b"APR\0", 2, 0, self.flags, len(self.tensors), 64, len(raw), at, at + len(_padded(index)))
        reserved = bytes(20)
        header = fields + struct.pack("<I", zlib.crc32(fields + reserved)) + reserved
        path.write_bytes(header + _padded(raw) + _padded(index) + data + self.tail)
        return path


def _padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 64)
