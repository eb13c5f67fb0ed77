"""Fields of binary files: where the lengths, counts, types and offsets stand, so that a change can aim at them."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from tests.fuzz.mutation import number

if TYPE_CHECKING:
    from random import Random

_SCALAR_BYTES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_MOST = 2_000  # fields that are looked for


def change_field(data: bytes, fields: list[tuple[int, int]], random: Random) -> bytes:
    """One field set to an end of its range, to another field's value, or one more or less.

    Args:
        data: the file.
        fields: offset and width in bytes of each, little endian.
        random: all chance.
    """
    if not fields:
        return data
    at, width = random.choice(fields)
    kind = random.randrange(4)
    if kind == 0:
        other, wide = random.choice(fields)
        value = int.from_bytes(data[other : other + wide], "little")
    elif kind == 1:
        value = number(random)
    elif kind == 2:
        value = random.randrange(80)
    else:
        value = int.from_bytes(data[at : at + width], "little") + random.choice((-64, -32, -8, -1, 1, 8, 32, 64))
    return data[:at] + int.to_bytes(value % 2 ** (8 * width), width, "little") + data[at + width :]


class GgufMap:
    """Where the fields of a GGUF file stand, as far as it can be followed: offsets of fields, and spans of whole entries."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 4
        self.fields: list[tuple[int, int]] = []
        self.keys: list[tuple[int, int]] = []
        self.tensors: list[tuple[int, int]] = []
        self.offsets: list[tuple[int, int]] = []
        try:
            self._walk()
        except (struct.error, IndexError):
            return  # the rest cannot be followed

    def _take(self, width: int) -> int:
        if self._at + width > len(self._data) or len(self.fields) > _MOST:
            raise IndexError
        self.fields.append((self._at, width))
        value = int.from_bytes(self._data[self._at : self._at + width], "little")
        self._at += width
        return value

    def _text(self) -> None:
        self._at += self._take(8)

    def _value(self, kind: int) -> None:
        if kind == 8:
            self._text()
        elif kind == 9:
            inner, count = self._take(4), self._take(8)
            for _ in range(count):
                self._value(inner)
        else:
            self._take(_SCALAR_BYTES.get(kind, 1))

    def _walk(self) -> None:
        self._take(4)
        tensors, keys = self._take(8), self._take(8)
        for _ in range(keys):
            start = self._at
            self._text()
            self._value(self._take(4))
            self.keys.append((start, self._at))
        for _ in range(tensors):
            start = self._at
            self._text()
            for _ in range(min(self._take(4), 100)):
                self._take(8)
            self._take(4)
            self._take(8)
            self.offsets.append(self.fields[-1])
            self.tensors.append((start, self._at))


def move_entry(data: bytes, spans: list[tuple[int, int]], count_at: int, random: Random) -> bytes:
    """An entry repeated or left out, and nearly always the count with it (u64 at `count_at`)."""
    if not spans:
        return data
    (start, end), (place, _) = random.choice(spans), random.choice(spans)
    more = random.choice((-1, 1, 1))
    changed = data[:place] + data[start:end] + data[place:] if more > 0 else data[:start] + data[end:]
    if random.randrange(8) == 0:
        return changed
    count = (int.from_bytes(data[count_at : count_at + 8], "little") + more) % 2**64
    return changed[:count_at] + count.to_bytes(8, "little") + changed[count_at + 8 :]
