"""APRT stage files: written again as they were read, byte for byte."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from apr.errors import AprError
from apr.formats.aprt import open_stage, write_stage
from tests.fuzz.binary import change_field
from tests.fuzz.given import replace
from tests.fuzz.target import Target, expect

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

_SEEDS = (
    struct.pack("<4sII3f", b"APRT", 2, 3, 1.0, -2.5, 3e38),
    struct.pack("<4sIIII", b"APRT", 2**32 - 1, 2, 0x7FC00001, 0x80000000),
    struct.pack("<4sII", b"APRT", 0, 0),
)


def _own(data: bytes, random: Random) -> bytes:
    return change_field(data, [(0, 4), (4, 4), (8, 4), (8, 1)], random)


def _repair(data: bytes) -> bytes:
    """The count fits the length."""
    return data[:8] + struct.pack("<I", (len(data) - 12) // 4) + data[12:] if len(data) >= 12 else data


def _check(data: bytes, folder: Path) -> bool:
    path = replace(folder / "s.bin", data)
    try:
        stage = open_stage(path)
    except AprError as refusal:
        said = str(refusal)
        expect("\n" not in said and str(path) in said, f"a refusal that names no file, or of several lines: {said}")
        return False
    expect(12 + 4 * stage.count == len(data), f"another length: {stage.count}")
    values = stage.values
    expect(values.tobytes() == data[12:], "other values")
    expect(b"".join(block.tobytes() for block in stage.blocks(3)) == data[12:], "other values in blocks")
    written = write_stage(folder / "again.bin", stage.layer, values)
    expect(written.path.read_bytes() == data, "is not written back as it was read")
    return True


TARGET = Target(_check, lambda: list(_SEEDS), "binary", (b"APRT", b"\xff\xff\xff\xff"), _own, _repair)
