"""Shared memory that stages are copied into: written in the child process, mapped in the engine's, used again and again.

Memory that the kernel has to find and clear costs several times what copying into it does: 200 MB fresh take 80 to 150 ms of CPU,
into memory that is there already 6 to 27 (`benchmarks/capture.py`). So an arena that the engine has done with is
kept for the next pass, and it is filled by `pwrite`, which spares fresh pages the clearing and the page faults of a mapping.
"""

from __future__ import annotations

import ctypes as c
import mmap
import os
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


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

    def add(self, address: int, nbytes: int) -> int:
        """Copies values from this process's memory: their offset, a multiple of the page size."""
        offset = self._used
        source = memoryview((c.c_ubyte * nbytes).from_address(address)).cast("B")
        done = 0
        while done < nbytes:  # a call writes 2 GiB at most
            done += os.pwrite(self.descriptor, source[done:], offset + done)
        page = mmap.ALLOCATIONGRANULARITY
        self._used += (nbytes + page - 1) // page * page
        self.size = max(1, offset + nbytes)
        return offset

    def holds(self, offset: int, address: int, nbytes: int) -> bool:
        """Whether what was added at an offset has the same bytes as this process's memory at an address."""
        if not nbytes:
            return True
        with mmap.mmap(self.descriptor, nbytes, offset=offset) as mapped:
            view = (c.c_ubyte * nbytes).from_buffer(mapped)
            try:
                compare = c.CDLL(None).memcmp
                compare.argtypes = c.c_void_p, c.c_void_p, c.c_size_t
                return bool(compare(c.addressof(view), address, nbytes) == 0)
            finally:
                del view  # a mapping that is looked at cannot be closed

    def clear(self) -> None:
        """Forgets what was added; the memory stays."""
        self._used, self.size = 0, 1

    def discard(self) -> None:
        """Gives the memory back, once nobody maps it any more."""
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
            self._kept = max(arena, kept, key=_extent)
            (kept if self._kept is arena else arena).discard()


def _extent(arena: Arena) -> int:
    return os.fstat(arena.descriptor).st_size
