"""A file that two processes hold in memory: what a fuzzing child is at, which its parent can still read when the child is dead.

Layout: u64 inputs tried, u64 accepted, u64 length of the input at hand, the input.
"""

from __future__ import annotations

import mmap
import struct
from typing import TYPE_CHECKING

from tests.fuzz.mutation import LARGEST

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = struct.Struct("<QQQ")


class Box:
    """The file, mapped; made by the parent with `fresh`."""

    def __init__(self, path: Path, *, fresh: bool = False) -> None:
        if fresh:
            path.write_bytes(bytes(_HEAD.size + LARGEST))
        with path.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    def begin(self, data: bytes) -> None:
        """This input comes next."""
        tried, accepted, _ = _HEAD.unpack_from(self._map)
        self._map[_HEAD.size : _HEAD.size + len(data)] = data
        _HEAD.pack_into(self._map, 0, tried + 1, accepted, len(data))

    def accept(self) -> None:
        """The input at hand was accepted."""
        tried, accepted, length = _HEAD.unpack_from(self._map)
        _HEAD.pack_into(self._map, 0, tried, accepted + 1, length)

    @property
    def counts(self) -> tuple[int, int]:
        """Inputs tried, and accepted."""
        tried, accepted, _ = _HEAD.unpack_from(self._map)
        return tried, accepted

    @property
    def data(self) -> bytes:
        """The input at hand."""
        length = _HEAD.unpack_from(self._map)[2]
        return self._map[_HEAD.size : _HEAD.size + length]
