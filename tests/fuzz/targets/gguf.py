"""GGUF: every tensor lies in the file and beside the others; the `gguf` package's reader, where it reads too, agrees."""

from __future__ import annotations

import functools
import itertools
import logging
import math
import struct
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from apr.errors import AprError
from apr.formats.gguf import read_gguf
from tests.fuzz.binary import GgufMap, change_field, move_entry
from tests.fuzz.given import replace
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from random import Random

    from apr.formats.gguf import GgufFile

_TOKENS = (
    *(b"GGUF", struct.pack("<I", 2), struct.pack("<I", 3), b"general.alignment", b"general.architecture", b"llama"),
    *(struct.pack("<QI", 1, 9), struct.pack("<IQ", 9, 1), struct.pack("<IQ", 9, 2**61), struct.pack("<I", 40)),
)


def _text(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def _made(
    keys: list[bytes], tensors: list[tuple[bytes, tuple[int, ...], int, int]], data: bytes, version: int = 3
) -> bytes:
    head = struct.pack("<4sIQQ", b"GGUF", version, len(tensors), len(keys)) + b"".join(keys)
    for name, dims, kind, offset in tensors:
        head += _text(name) + struct.pack(f"<I{len(dims)}QIQ", len(dims), *dims, kind, offset)
    return head + bytes(-len(head) % 32) + data


@functools.cache
def _seeds() -> list[bytes]:
    from tinymodels import Spec, write_model

    keys = [_text(b"a") + struct.pack("<II", 4, 7), _text(b"b") + struct.pack("<I", 8) + _text(b"text")]
    keys.append(_text(b"c") + struct.pack("<IIQ3i", 9, 5, 3, 1, -2, 3))
    keys.append(_text(b"d") + struct.pack("<IIQ", 9, 8, 2) + _text(b"x") + _text(b"yz"))
    keys.append(_text(b"e") + struct.pack("<IIQIQ2B", 9, 9, 1, 7, 2, 1, 0) + _text(b"f") + struct.pack("<Id", 12, 0.5))
    keys.insert(0, _text(b"general.alignment") + struct.pack("<II", 4, 32))
    count = [(b"s", (4,), 0, 0), (b"t", (32, 2), 8, 32), (b"u", (3, 2, 1, 1), 1, 128)]
    small = _made(
        [*keys[:-1], keys[-1][: -len(_text(b"f")) - 12], keys[-1][-len(_text(b"f")) - 12 :]], count, bytes(range(160))
    )
    with tempfile.TemporaryDirectory() as folder:
        spec = Spec(layers=1, hidden=8, feed_forward=8, heads=2, kv_heads=1, merges=0)
        whole = write_model(Path(folder) / "m.gguf", spec).read_bytes()
    last = _made([_text(b"c") + struct.pack("<IIQ3i", 9, 5, 3, 1, -2, 3)], [], b"")
    return [small, last, _made([], [(b"t", (8,), 0, 0)], bytes(32), 2), _made([], [], b""), small, whole]


def _own(data: bytes, random: Random) -> bytes:
    found = GgufMap(data)
    kind = random.randrange(6)
    if kind == 0:
        return move_entry(data, found.keys, 16, random)
    if kind == 1:
        return move_entry(data, found.tensors, 8, random)
    of_tensors = [field for field in found.fields if found.tensors and field[0] >= found.tensors[0][0]]
    some = {2: of_tensors, 3: found.offsets}.get(kind) or found.fields
    return change_field(data, some, random)


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / "m.gguf", data)
    try:
        file = read_gguf(path)
        metadata = dict(file.metadata)  # decodes the arrays
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said and str(path) in said, f"a refusal that names no file, or of several lines: {said}")
        return False
    places = sorted((info.offset, info.offset + info.nbytes) for info in file.tensors.values())
    expect(all(0 <= start < end <= len(data) for start, end in places), "a tensor outside of the file")
    expect(all(one[1] <= other[0] for one, other in itertools.pairwise(places)), "tensors overlap")
    for name, info in file.tensors.items():
        expect(0 < math.prod(info.shape) < 2**63, "a tensor without elements")
        expect(info.offset % file.alignment == 0, "a tensor that is not aligned")
        raw = file.raw(name)
        expect(raw.tobytes() == data[info.offset : info.offset + info.nbytes], f"other bytes of {name!r}")
    _hold_against_theirs(path, file, metadata)
    return True


def _hold_against_theirs(path: Path, file: GgufFile, metadata: dict[str, Any]) -> None:
    from gguf import GGUFReader

    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            theirs = GGUFReader(path, "r")
            fields = {key: one for key, one in theirs.fields.items() if not key.startswith("GGUF.")}
            told = {key: one.contents() for key, one in fields.items()}
    except Exception:  # noqa: BLE001  their reader refuses, or falls over: no opinion
        return
    finally:
        logging.disable(logging.NOTSET)
    ours = {key: value for key, value in metadata.items() if not key.startswith("GGUF.")}
    expect(list(fields) == list(ours), f"other keys than the gguf package: {sorted(set(fields) ^ set(ours))}")
    for key, value in ours.items():
        nested = isinstance(value, list) and any(isinstance(one, list) for one in value)
        expect(nested or _same(told[key], value), f"another value than the gguf package: {key!r}")
    for tensor in theirs.tensors:
        info = file.tensors[tensor.name]
        mine = (info.offset, info.nbytes, int(info.ggml_type), info.shape)
        other = (
            int(tensor.data_offset),
            int(tensor.n_bytes),
            int(tensor.tensor_type),
            tuple(int(n) for n in reversed(tensor.shape)),
        )
        expect(mine == other, f"another tensor than the gguf package: {mine} {other}")
    expect(len(theirs.tensors) == len(file.tensors), "another number of tensors than the gguf package")


def _same(one: Any, other: Any) -> bool:
    if isinstance(other, list):
        many = [one] if not isinstance(one, list) and len(other) == 1 else one
        if not other and many in ([], None):
            return True
        return isinstance(many, list) and len(many) == len(other) and all(map(_same, many, other))
    if isinstance(other, float) and math.isnan(other):
        return bool(math.isnan(one))
    return bool(one == other)


TARGET = Target(_check, _seeds, "binary", _TOKENS, _own)
