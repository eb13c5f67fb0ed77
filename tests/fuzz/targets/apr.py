"""`.apr`, version 2 and its predecessors: all within the file, sorted, beside each other; the metadata is what `json` reads."""

from __future__ import annotations

import functools
import itertools
import json
import math
import struct
import zlib
from typing import TYPE_CHECKING

from apr.errors import AprError
from apr.formats.apr import describe_v1, encoded_size, read_apr
from tests.fuzz.binary import change_field
from tests.fuzz.given import replace
from tests.fuzz.jsonlike import read_loosely, twice, write_loosely
from tests.fuzz.mutation import json_value
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

_TOKENS = (
    *(
        b"APR\0",
        b"APRN",
        b"APR1",
        b"APR2",
        b"architecture",
        b"model_type",
        b"hidden_size",
        b"layout",
        b"row_major",
        b"\x80",
        b"\xde\xff\xff",
    ),
    *(
        b"\xdd\xff\xff\xff\xff",
        b"\xc7\xff\x01",
        b"\xd9\xff",
        b"\x81\xa1a",
        b"\x92",
        b"blk.0.attn_q.weight",
        b"model.layers.0.x",
    ),
)
_HEADER = struct.Struct("<4sBBHIQIQQ")
_FIELDS = ((4, 1), (5, 1), (6, 2), (8, 4), (12, 8), (20, 4), (24, 8), (32, 8))
_V1 = struct.Struct("<4sBBHIIIBBB9s")


@functools.cache
def _seeds() -> list[bytes]:
    from given.apr_by_hand import ByHand

    said = {
        "model_type": "test",
        "architecture": "llama",
        "n": [1, 2.5, None, {"a": True}],
        "total_size": 32,
        "param_count": 8,
    }
    with_footer = ByHand(said)
    with_footer.footer = True
    packed = b"\x82\xa1a\x01\xa1b\x92\xc3\xa1x"
    old = _V1.pack(b"APRN", 1, 0, 1, len(packed), 4, 4, 0, 0, 50, bytes(9)) + packed + b"data"
    return [ByHand().bytes, with_footer.bytes, ByHand({"a": 1}, []).bytes, old + struct.pack("<I", zlib.crc32(old))]


def _index_fields(data: bytes) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """The fields of the index, as far as it can be followed; and those among them that say where a tensor stands."""
    found: list[tuple[int, int]] = []
    offsets: list[tuple[int, int]] = []
    if len(data) < 64:
        return found, offsets
    count, at = struct.unpack_from("<I", data, 8)[0], struct.unpack_from("<Q", data, 24)[0]
    for _ in range(min(count, 50)):
        if at + 2 > len(data):
            break
        kind = at + 2 + struct.unpack_from("<H", data, at)[0]
        if kind + 2 > len(data):
            break
        dims = data[kind + 1]
        found += [(at, 2), (kind, 1), (kind + 1, 1), *((kind + 2 + 8 * n, 8) for n in range(min(dims, 10) + 2))]
        offsets.append((kind + 2 + 8 * dims, 8))
        at = kind + 2 + 8 * dims + 16
    return found, offsets


def _own(data: bytes, random: Random) -> bytes:
    kind = random.randrange(4)
    if kind == 0:
        return change_field(data, list(_FIELDS), random)
    if kind < 3:
        return change_field(data, _index_fields(data)[kind - 1], random)
    return _with_other_metadata(data, random)


def _with_other_metadata(data: bytes, random: Random) -> bytes:
    """The metadata changed as JSON, and everything behind it moved to fit."""
    if len(data) < 64 or data[:4] != b"APR\0":
        return data
    magic, major, minor, flags, count, at, size, index_at, data_at = _HEADER.unpack_from(data)
    content = read_loosely(data[at : at + size]) if at + size <= len(data) else None
    if content is None or not at + size <= index_at <= data_at <= len(data):
        return data
    raw = write_loosely(json_value(content, random, _TOKENS[4:8]), ascii_=bool(random.randrange(3)))
    padded = raw + bytes(-(at + len(raw)) % 64)
    moved = at + len(padded) - index_at
    head = _HEADER.pack(magic, major, minor, flags, count, at, len(raw), index_at + moved, data_at + moved)
    return head + data[len(head) : at] + padded + data[index_at:]


def _repair(data: bytes) -> bytes:
    """The header's checksum, and the footer's where there is one of four bytes."""
    if len(data) < 64 or data[:4] != b"APR\0":
        return data
    crc = zlib.crc32(data[:40] + data[44:64])
    data = data[:40] + struct.pack("<I", crc) + data[44:]
    return data[:-4] + struct.pack("<I", zlib.crc32(data[:-4])) if len(data) % 64 == 4 else data


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / "m.apr", data)
    try:
        if data[:4] == b"APRN":
            described = describe_v1(path)
            expect(
                described.checksum_matches is (zlib.crc32(data[:-4]) == struct.unpack("<I", data[-4:])[0]),
                "another checksum",
            )
            json.dumps(described.metadata)
            return True
        file = read_apr(path)
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said and str(path) in said, f"a refusal that names no file, or of several lines: {said}")
        return False
    count, at, size = struct.unpack_from("<IQI", data, 8)
    expect(
        zlib.crc32(data[:40] + data[44:64]) == struct.unpack_from("<I", data, 40)[0], "a header whose checksum is wrong"
    )
    expect(count == len(file.tensors), f"another number of tensors: {len(file.tensors)} of {count}")
    metadata = read_loosely(data[at : at + size])
    expect(twice(metadata) is None, f"a key stands twice: {twice(metadata)!r}")
    plain = json.loads(data[at : at + size])
    expect(plain == file.metadata, "other metadata than json reads")
    json.dumps(file.metadata, allow_nan=False, ensure_ascii=False).encode()
    places = sorted((one.offset, one.offset + one.nbytes) for one in file.tensors.values())
    expect(
        all(file.header.data_offset <= start < end <= len(data) for start, end in places),
        "a tensor outside of the file",
    )
    expect(all(one[1] <= other[0] for one, other in itertools.pairwise(places)), "tensors overlap")
    expect(list(file.tensors) == sorted(file.tensors, key=str.encode), "names that are not sorted")
    for name, tensor in file.tensors.items():
        expect(0 < math.prod(tensor.shape) < 2**63, f"no size: {tensor.shape}")
        expect(tensor.nbytes == encoded_size(tensor.dtype, tensor.shape, file.layout), f"another size: {tensor.nbytes}")
        expect(
            file.raw(name).tobytes() == data[tensor.offset : tensor.offset + tensor.nbytes], f"other bytes of {name!r}"
        )
    file.verify_footer()
    return True


TARGET = Target(_check, _seeds, "binary", _TOKENS, _own, _repair)
