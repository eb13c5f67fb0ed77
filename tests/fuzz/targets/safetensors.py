"""safetensors files: no key of the header twice, every tensor's bytes where the header says, none left over, none shared."""

from __future__ import annotations

import functools
import json
import math
import struct
from typing import TYPE_CHECKING, Any

from apr.errors import AprError
from apr.formats.safetensors_file import read_safetensors
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
        b'"dtype":',
        b'"shape":',
        b'"data_offsets":',
        b'"data_offset\\u0073":',
        b'"__metadata__":',
        b"F32",
        b"BF16",
        b"F4",
        b"F8_E5M2",
    ),
    *(
        b"F6_E2M3",
        b"BOOL",
        b"I64",
        b'"a"',
        b'"\\u0061"',
        b"[0,0]",
        b"[]",
        b"dtype",
        b"shape",
        b"data_offsets",
        b"__metadata__",
        b"a",
        b"b",
    ),
)
_BITS = {
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "C64": 64,
    "F32": 32,
    "I32": 32,
    "U32": 32,
    "F16": 16,
    "BF16": 16,
    "I16": 16,
    "U16": 16,
    "F4": 4,
}


def _made(header: dict[str, Any], data: bytes) -> bytes:
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    return struct.pack("<Q", len(raw)) + raw + data


@functools.cache
def _seeds() -> list[bytes]:
    one = {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]}
    other = {"dtype": "BF16", "shape": [3], "data_offsets": [16, 22]}
    empty = {"dtype": "I8", "shape": [0], "data_offsets": [22, 22]}
    return [
        _made({"a": one, "b": other, "c": empty, "__metadata__": {"format": "pt"}}, bytes(range(22))),
        _made({"a": one}, bytes(16)),
        _made({}, b""),
        _made({"a": {"dtype": "F8_E5M2", "shape": [4], "data_offsets": [0, 4]}}, b"abcd"),
    ]


def _own(data: bytes, random: Random) -> bytes:
    if random.randrange(4) == 0:
        return change_field(data, [(0, 8), (0, 4)], random)
    size = int.from_bytes(data[:8], "little")
    content = read_loosely(data[8 : 8 + size])
    if content is None:
        return data
    raw = write_loosely(json_value(content, random, _TOKENS[-6:]), ascii_=bool(random.randrange(3)))
    return struct.pack("<Q", len(raw)) + raw + data[8 + size :]


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / "m.safetensors", data)
    try:
        file = read_safetensors(path)
    except AprError as refusal:
        said = str(refusal)
        expect(
            "\n" not in said and str(path) in said, f"a refusal that names no file, or of several lines: {said[:200]!r}"
        )
        return False
    size = int.from_bytes(data[:8], "little")
    header = read_loosely(data[8 : 8 + size])
    expect(header is not None, "a header that json does not read")
    expect(twice(header) is None, f"a key stands twice: {twice(header)!r}")
    plain = json.loads(data[8 : 8 + size])
    plain.pop("__metadata__", None)
    expect(set(plain) == set(file.tensors), "other tensors")
    at = 0
    for name, tensor in file.tensors.items():
        entry = plain[name]
        expect(entry["dtype"] == tensor.dtype and entry["shape"] == list(tensor.shape), f"another tensor: {name!r}")
        start, end = entry["data_offsets"]
        expect(start == at and end - start == tensor.nbytes, f"another place: {name!r}")
        expect(tensor.offset == 8 + size + start, f"an offset that is not the header's: {name!r}")
        expect(
            tensor.nbytes == math.prod(tensor.shape) * _BITS.get(tensor.dtype, 8) // 8 or tensor.dtype[:2] == "F6",
            f"another size: {name!r}",
        )
        expect(
            file.raw(name).tobytes() == data[tensor.offset : tensor.offset + tensor.nbytes], f"other bytes: {name!r}"
        )
        at = end
    expect(8 + size + at == len(data), "bytes that belong to no tensor")
    return True


TARGET = Target(_check, _seeds, "binary", _TOKENS, _own)
