"""How long it takes to open a GGUF file: our header walk beside the gguf library's reader, in one run.

python benchmarks/open_gguf.py [MODEL]    default: the cached smollm2
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

import gguf

from apr.cache import resolve_model
from apr.formats.gguf import read_gguf

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3


def best(function: Callable[..., object], *arguments: object) -> float:
    """Least CPU seconds of a few rounds."""
    times = []
    for _ in range(ROUNDS):
        start = time.process_time()
        function(*arguments)
        times.append(time.process_time() - start)
    return min(times)


def main() -> None:
    """Prints both times and their ratio."""
    path = resolve_model(sys.argv[1] if len(sys.argv) > 1 else "smollm2")
    ours, theirs = best(read_gguf, path), best(gguf.GGUFReader, path)
    print(f"apr.formats.gguf  {ours:.3f} CPU s")
    print(f"gguf.GGUFReader   {theirs:.3f} CPU s, {theirs / ours:.0f} times as long")


if __name__ == "__main__":
    main()
