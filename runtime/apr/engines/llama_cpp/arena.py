"""Shared memory that stages are copied into: written in the child process, mapped in the engine's, used again and again.

Memory that the kernel has to find and clear costs more than copying into it does: that is the difference between `first` and
`again` in `benchmarks/capture.py`. So an arena that the engine has done with is
kept for the next pass. What it grows by is written by `pwrite`, which spares fresh pages the clearing and the page faults; what
is there already is mapped once, and copied into.
"""

from __future__ import annotations

import ctypes as c
import mmap
import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


# every page at once where the system can, which is cheaper than one by one
_FLAGS = mmap.MAP_SHARED | getattr(mmap, "MAP_POPULATE", 0)


class Arena:
    """Anonymous shared memory that grows as values are added; whoever has the descriptor can map it.

    Attributes:
        descriptor: of the memory.
        size: bytes in use.
    """

    def __init__(self) -> None:
        if hasattr(os, "memfd_create"):
            self.descriptor = os.memfd_create("apr-capture")
        else:
            with tempfile.TemporaryFile() as file:  # no name: it goes when the last descriptor does
                self.descriptor = os.dup(file.fileno())
        os.ftruncate(self.descriptor, 1)  # nothing cannot be mapped
        self.size = 1
        self._used = 0  # whole pages: full ones are written without being cleared first
        self._map: mmap.mmap | None = None
        self._start = self._mapped = 0  # address and length of the mapping
        self._scratch: c.Array[c.c_ubyte] | None = None

    def add(self, address: int, nbytes: int) -> int:
        """Copies values from this process's memory: their offset, a multiple of the page size."""
        offset = self._used
        if offset + nbytes <= self._mapped:
            c.memmove(self._start + offset, address, nbytes)
        else:
            self._write(address, nbytes, offset)
        return self._reserve(nbytes)

    def make(self, nbytes: int, write: Callable[[int], None]) -> int:
        """Has values written where they belong: their offset. `write` gets an address with room for so many bytes."""
        if self._used + nbytes <= self._mapped:
            write(self._start + self._used)
            return self._reserve(nbytes)
        if self._scratch is None or len(self._scratch) < nbytes:
            self._scratch = (c.c_ubyte * nbytes)()
        write(c.addressof(self._scratch))
        return self.add(c.addressof(self._scratch), nbytes)

    def _reserve(self, nbytes: int) -> int:
        offset, page = self._used, mmap.ALLOCATIONGRANULARITY
        self._used += (nbytes + page - 1) // page * page
        self.size = max(1, offset + nbytes)
        return offset

    def _write(self, address: int, nbytes: int, offset: int) -> None:
        source = memoryview((c.c_ubyte * nbytes).from_address(address)).cast("B")
        done = 0
        while done < nbytes:  # a call writes 2 GiB at most
            done += os.pwrite(self.descriptor, source[done:], offset + done)

    def holds(self, offset: int, address: int, nbytes: int) -> bool:
        """Whether what was added at an offset has the same bytes as this process's memory at an address."""
        if offset + nbytes <= self._mapped:
            return _same(self._start + offset, address, nbytes)
        with mmap.mmap(self.descriptor, nbytes, flags=_FLAGS, offset=offset) as mapped:
            start = c.c_ubyte.from_buffer(mapped)
            try:
                return _same(c.addressof(start), address, nbytes)
            finally:
                del start  # a mapping that is looked at cannot be closed

    def clear(self) -> None:
        """Forgets what was added; the memory stays."""
        self._used, self.size = 0, 1
        if self.extent > max(1, self._mapped):
            self._map_all()

    @property
    def extent(self) -> int:
        """Bytes of memory, in use or not."""
        return os.fstat(self.descriptor).st_size

    def _map_all(self) -> None:
        self._unmap()
        self._mapped = self.extent
        self._map = mmap.mmap(self.descriptor, self._mapped, flags=_FLAGS)
        self._start = c.addressof(c.c_ubyte.from_buffer(self._map))

    def _unmap(self) -> None:
        if self._map is not None:
            self._map.close()
            self._map, self._start, self._mapped = None, 0, 0

    def discard(self) -> None:
        """Gives the memory back, once nobody else maps it any more."""
        self._unmap()
        os.close(self.descriptor)


class Arenas:
    """Those that the engine reads from, and the one that is kept for the next pass."""

    def __init__(self) -> None:
        self._lent: dict[int, Arena] = {}
        self._kept: Arena | None = None
        self._count = 0

    def take(self) -> Arena:
        """An arena with nothing in it."""
        arena, self._kept = self._kept or Arena(), None
        arena.clear()
        return arena

    def lend(self, arena: Arena) -> int:
        """Hands one to the engine: the number under which it comes back."""
        self._count += 1
        self._lent[self._count] = arena
        return self._count

    def take_back(self, numbers: Iterable[int]) -> None:
        """The engine maps these no more. The largest is kept: an arena never shrinks."""
        for number in numbers:
            arena, kept = self._lent.pop(number), self._kept
            if kept is None:
                self._kept = arena
                continue
            self._kept = max(arena, kept, key=lambda one: one.extent)
            (kept if self._kept is arena else arena).discard()


def _same(a: int, b: int, nbytes: int) -> bool:
    """Whether the bytes at two addresses are the same."""
    compare = c.CDLL(None).memcmp
    compare.argtypes = c.c_void_p, c.c_void_p, c.c_size_t
    return bool(compare(a, b, nbytes) == 0)
